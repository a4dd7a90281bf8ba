#!/usr/bin/env python3
"""Writes pictures.zip: JPEG files in every way to code them that cjpeg has, and expected.json
in it, which says what Pillow reads of each at full size and at a half, a quarter and an
eighth: width, height and the CRC-32 of the RGB pixels.

    python3 -m venv v && v/bin/pip install pillow==13.0.0
    v/bin/python make.py /path/to/cjpeg PHOTO

cjpeg is that of libjpeg-turbo (2.1.5 was used), PHOTO a photograph (the tabby cat of Wikimedia
Commons that the golden logits are of).
"""
import io, itertools, json, os, subprocess, sys, tempfile, zipfile, zlib
from PIL import Image, ImageFile

cjpeg, photo = sys.argv[1:]
here = os.path.dirname(os.path.abspath(__file__))
photo = Image.open(photo).convert("RGB")
files = {}


def run(image, *options, scans=None):
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "in.ppm")
        image.save(source)
        if scans:
            script = os.path.join(folder, "scans")
            open(script, "w").write(scans)
            options = *options, "-scans", script
        return subprocess.run([cjpeg, "-quality", "75", *options, source], capture_output=True, check=True).stdout


def saved(image, **options):
    out = io.BytesIO()
    image.save(out, "JPEG", quality=75, **options)
    return out.getvalue()


SIZES = [(1, 1), (3, 5), (17, 33), (50, 37)]
SAMPLINGS = """1x1,1x1,1x1 2x1,1x1,1x1 1x2,1x1,1x1 2x2,1x1,1x1 4x1,1x1,1x1 1x4,1x1,1x1 4x2,1x1,1x1 2x4,1x1,1x1
3x1,1x1,1x1 1x3,1x1,1x1 3x2,1x1,1x1 2x2,2x1,1x2 2x2,2x1,2x1 2x2,1x2,1x2 1x1,2x2,1x1 2x1,2x1,1x1 2x2,1x1,1x2""".split()
CODINGS = {"sequential": [], "progressive": ["-progressive"], "restart": ["-restart", "1", "-optimize"],
           "arithmetic": ["-arithmetic"], "arithmetic_progressive": ["-arithmetic", "-progressive", "-restart", "1"]}
for size in SIZES:
    small = photo.resize(size)
    for sampling, (name, options) in itertools.product(SAMPLINGS, CODINGS.items()):
        if name.startswith("arithmetic") and (size[0] < 17 or sampling not in SAMPLINGS[:4]):
            continue
        files[f"{name}_{sampling}_{size[0]}x{size[1]}.jpg"] = run(small, "-sample", sampling, *options)
    for name, options in CODINGS.items():
        files[f"{name}_grey_{size[0]}x{size[1]}.jpg"] = run(small.convert("L"), "-grayscale", *options)
    files[f"rgb_{size[0]}x{size[1]}.jpg"] = run(small, "-rgb")
    for progressive in False, True:
        files[f"cmyk{'_progressive' * progressive}_{size[0]}x{size[1]}.jpg"] = saved(small.convert("CMYK"), progressive=progressive)
small = photo.resize(SIZES[-1])
files["scans_of_one_component.jpg"] = run(small, scans="0;\n1;\n2;\n")
files["scans_of_two_components.jpg"] = run(small, scans="0,1;\n2;\n")
files["sixteen_bit_tables.jpg"] = run(small, "-quality", "1")
files["every_pixel_another.jpg"] = saved(Image.effect_noise((50, 37), 90).convert("RGB"), subsampling=0)


# The planes of four components, coded as grey pictures one by one, become the scans of one
# picture: so a sampling may be any.
def planes(sampling, size, adobe, restart=0):
    factors = [tuple(map(int, s.split("x"))) for s in sampling.split(",")]
    most = max(h for h, _ in factors), max(v for _, v in factors)
    source = photo.resize(size).convert("CMYK").split()
    out, scans, frame = b"", b"", b""
    for i, ((h, v), plane) in enumerate(zip(factors, source)):
        width, height = -(-size[0] * h // most[0]), -(-size[1] * v // most[1])
        grey = run(plane.resize((width, height)), "-grayscale")
        at, tables = 2, b""
        while grey[at + 1] != 0xDA:
            length = int.from_bytes(grey[at + 2 : at + 4], "big")
            if grey[at + 1] in (0xDB, 0xC4):
                tables += grey[at : at + 2 + length]
            at += 2 + length
        length = int.from_bytes(grey[at + 2 : at + 4], "big")
        header = bytearray(grey[at : at + 2 + length])
        header[5] = i + 1
        frame += bytes([i + 1, h << 4 | v, 0])
        scans += tables + bytes(header) + grey[at + 2 + length : -2]
        if i == 0:
            out = tables
    sof = bytes([8]) + size[1].to_bytes(2, "big") + size[0].to_bytes(2, "big") + bytes([len(factors)]) + frame
    adobe = b"" if adobe is None else b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes([adobe])
    return b"\xff\xd8" + adobe + out + b"\xff\xc0" + (len(sof) + 2).to_bytes(2, "big") + sof + scans + b"\xff\xd9"


for sampling in "1x1,1x1,1x1,1x1", "2x2,1x1,1x1,2x2", "2x1,1x1,1x1,2x1", "2x2,1x1,1x1,1x1", "1x2,1x1,1x1,1x2", "4x1,1x1,1x1,4x1", "2x2,2x2,2x2,1x1":
    for adobe in None, 0, 2:
        files[f"four_{sampling}_adobe{adobe}.jpg"] = planes(sampling, (50, 37), adobe)

expected = {}
for name, data in files.items():
    expected[name] = []
    for denominator in 1, 2, 4, 8:
        image = Image.open(io.BytesIO(data))
        width, height = image.size
        want = -(-width // denominator), -(-height // denominator)
        if denominator > 1:
            if min(width, height) < denominator or image.draft(None, (width // denominator, height // denominator)) is None or image.size != want:
                continue  # Pillow does not reduce every kind
        rgb = image.convert("RGB")
        expected[name].append([denominator, *rgb.size, zlib.crc32(rgb.tobytes())])

with zipfile.ZipFile(os.path.join(here, "pictures.zip"), "w", zipfile.ZIP_DEFLATED) as archive:
    for name, data in [*files.items(), ("expected.json", json.dumps(expected).encode())]:
        archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED, 9)
print(len(files), "files")
