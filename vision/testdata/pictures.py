"""pictures.json.gz: small pictures of every kind that is read, with the pixels that Pillow reads.

  pip install pillow==12.0.0 numpy && python3 pictures.py

A picture has the file, the size and the R,G,B bytes, upright: "white" over white, "drop"
with alpha left aside as by convert('RGB'), where that differs. "lossy" are compared with a
tolerance. Where Pillow refuses a file that browsers read, or reads it otherwise than its
format says, "by" is "definition", and the pixels are those that the file was made of.
Files that are to be refused have what the message must say, "refused"."""
import base64, gzip, io, json, os, struct, zlib
import numpy as np
from PIL import Image, ImageFile, ImageOps, __version__

here = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(20)
W, H = 13, 9
RGB = rng.integers(0, 256, (H, W, 3), dtype=np.uint8)
ALPHA = rng.integers(0, 256, (H, W), dtype=np.uint8)
SMOOTH = np.stack([np.add.outer(np.arange(12) * 12, np.arange(18) * 5), np.add.outer(np.arange(12) * 4, np.arange(18) * 9),
                   np.add.outer(200 - np.arange(12) * 8, np.arange(18))], -1).astype(np.uint8)
out = []


def pixels(im, drop):
    im.load()
    im = ImageOps.exif_transpose(im)
    if not drop and (im.mode in ('RGBA', 'LA', 'PA') or 'transparency' in im.info):
        im = im.convert('RGBA')
        white = Image.new('RGBA', im.size, 'white')
        white.alpha_composite(im)
        im = white
    return np.asarray(im.convert('RGB'))


def pillow(data, drop):
    for truncated in (False, True):
        ImageFile.LOAD_TRUNCATED_IMAGES = truncated
        try:
            return pixels(Image.open(io.BytesIO(data)), drop)
        except Exception as e:
            problem = e
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = False
    raise problem


def b64(a):
    return base64.b64encode(bytes(a)).decode()


def case(name, data, lossy=False, want=None, drop=None):
    """A picture that is read; want is by definition, drop what it has instead without alpha."""
    white = pillow(data, False) if want is None else want
    drop = pillow(data, True) if want is None else white if drop is None else drop
    c = dict(name=name, file=b64(data), width=white.shape[1], height=white.shape[0], white=b64(white.tobytes()))
    if not np.array_equal(white, drop):
        c['drop'] = b64(drop.tobytes())
    if lossy:
        c['lossy'] = True
    if want is not None:
        c['by'] = 'definition'
    out.append(c)


def refused(name, data, *words):
    out.append(dict(name=name, file=b64(data), refused=list(words)))


def over_white(rgb, alpha):
    a = alpha.astype(np.int64)[..., None]
    return ((rgb * a + 255 * (255 - a) + 127) // 255).astype(np.uint8)


def save(array, format, mode=None, **options):
    b = io.BytesIO()
    (array if isinstance(array, Image.Image) else Image.fromarray(array)).save(b, format, **options)
    return b.getvalue()


# ---------------------------------------------------------------------------- BMP

def palette(n):
    return rng.integers(0, 256, (n, 3), dtype=np.uint8)


def bmp(bits, body, header=40, colours=b'', compression=0, used=0, top_down=False, masks=b'', gap=b'', width=W, height=H, offset=None, tail=b''):
    if header == 12:
        info = struct.pack('<IHHHH', 12, width, height, 1, bits)
    else:
        info = struct.pack('<IiiHHIIiiII', header, width, -height if top_down else height, 1, bits, compression, len(body), 2835, 2835, used, 0)[:header]
        if header > 40:
            info += (masks if header >= 52 else b'').ljust(header - 40, b'\0')
            masks = b''
    start = 14 + len(info) + len(masks) + len(colours) + len(gap)
    return struct.pack('<2sIHHI', b'BM', start + len(body), 0, 0, start if offset is None else offset) + info + masks + colours + gap + body + tail


def rows(bits, values, bottom_up=True):
    """values: [H][W] indices or packed pixels."""
    body = b''
    for row in (values[::-1] if bottom_up else values):
        if bits < 8:
            text = ''.join(format(int(v), f'0{bits}b') for v in row)
            text += '0' * (-len(text) % 8)
            b = bytes(int(text[i:i + 8], 2) for i in range(0, len(text), 8))
        else:
            b = b''.join(int(v).to_bytes(bits // 8, 'little') for v in row)
        body += b + b'\0' * (-len(b) % 4)
    return body


def quads(p):
    return b''.join(bytes([b, g, r, 0]) for r, g, b in p.tolist())


def triples(p):
    return b''.join(bytes([b, g, r]) for r, g, b in p.tolist())


packed = RGB[..., 0].astype(np.uint32) << 16 | RGB[..., 1].astype(np.uint32) << 8 | RGB[..., 2]
with_alpha = packed | ALPHA.astype(np.uint32) << 24
for bits in (1, 4, 8):
    p = palette(1 << bits)
    index = rng.integers(0, 1 << bits, (H, W))
    case(f'bmp {bits} bits', bmp(bits, rows(bits, index), colours=quads(p)))
    case(f'bmp {bits} bits, top-down', bmp(bits, rows(bits, index, False), colours=quads(p), top_down=True))
    case(f'bmp {bits} bits, OS/2 1', bmp(bits, rows(bits, index), header=12, colours=triples(p)))
    case(f'bmp {bits} bits, OS/2 2', bmp(bits, rows(bits, index), header=64, colours=quads(p)))
    case(f'bmp {bits} bits, V5', bmp(bits, rows(bits, index), header=124, colours=quads(p)))
    few = max((1 << bits) - 5, 2)
    case(f'bmp {bits} bits, {few} colours', bmp(bits, rows(bits, index % few), colours=quads(p[:few]), used=few))
    case(f'bmp {bits} bits, offset before the palette', bmp(bits, rows(bits, index), colours=quads(p), offset=54))
    case(f'bmp {bits} bits, gap', bmp(bits, rows(bits, index), colours=quads(p), gap=b'\7' * 22))
p, index = palette(4), rng.integers(0, 4, (H, W))
case('bmp 2 bits', bmp(2, rows(2, index), colours=quads(p)), want=p[index])
p, index = palette(256), rng.integers(0, 256, (H, W))
case('bmp 8 bits, fewer colours than indices', bmp(8, rows(8, index), colours=quads(p[:100]), used=100))
case('bmp 8 bits, palette cut by the offset', bmp(8, rows(8, index % 50), colours=quads(p[:50])))
case('bmp 8 bits, gray', bmp(8, rows(8, index), colours=quads(np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, 1))))
for size in (16, 24, 32, 48, 60):
    case(f'bmp 8 bits, OS/2 2 with {size} bytes', bmp(8, rows(8, index), header=size, colours=quads(p)), want=p[index])

v555 = rng.integers(0, 1 << 15, (H, W))
v565 = rng.integers(0, 1 << 16, (H, W))
m555, m565 = struct.pack('<III', 0x7C00, 0x3E0, 0x1F), struct.pack('<III', 0xF800, 0x7E0, 0x1F)
m888 = struct.pack('<III', 0xFF0000, 0xFF00, 0xFF)
case('bmp 16 bits', bmp(16, rows(16, v555)))
case('bmp 16 bits, upper bit set', bmp(16, rows(16, v555 | 0x8000)))
case('bmp 16 bits, 555', bmp(16, rows(16, v555), compression=3, masks=m555))
case('bmp 16 bits, 565', bmp(16, rows(16, v565), compression=3, masks=m565))
case('bmp 16 bits, 565, top-down', bmp(16, rows(16, v565, False), compression=3, masks=m565, top_down=True))
for header in (52, 56, 108, 124):
    case(f'bmp 16 bits, 565, header of {header}', bmp(16, rows(16, v565), header=header, compression=3, masks=m565))
v444 = rng.integers(0, 1 << 12, (H, W))
rgb444 = np.stack([v444 >> 8 & 15, v444 >> 4 & 15, v444 & 15], -1) * 17
case('bmp 16 bits, 444', bmp(16, rows(16, v444), compression=3, masks=struct.pack('<III', 0xF00, 0xF0, 0xF)), want=rgb444.astype(np.uint8))
a444 = rng.integers(0, 16, (H, W))
case('bmp 16 bits, 4444', bmp(16, rows(16, v444 | a444 << 12), header=56, compression=3, masks=struct.pack('<IIII', 0xF00, 0xF0, 0xF, 0xF000)),
     want=over_white(rgb444, a444 * 17), drop=rgb444.astype(np.uint8))
case('bmp 24 bits', bmp(24, rows(24, packed)))
case('bmp 24 bits, top-down', bmp(24, rows(24, packed, False), top_down=True))
case('bmp 24 bits, OS/2 1', bmp(24, rows(24, packed), header=12))
case('bmp 24 bits, OS/2 2', bmp(24, rows(24, packed), header=64))
case('bmp 24 bits, gap', bmp(24, rows(24, packed), gap=b'\xff' * 30))
case('bmp 24 bits, offset of zero', bmp(24, rows(24, packed), offset=0))
case('bmp 24 bits, bit fields', bmp(24, rows(24, packed), header=56, compression=3, masks=m888 + b'\0' * 4))
case('bmp 24 bits, surplus', bmp(24, rows(24, packed), tail=b'more' * 9))
case('bmp 24 bits, last padding missing', bmp(24, rows(24, packed))[:-1], want=RGB)
for width, height in ((1, 1), (3, 2), (2, 5), (4, 4)):
    case(f'bmp 24 bits, {width} x {height}', bmp(24, rows(24, packed[:height, :width]), width=width, height=height))
for header in (40, 52, 56, 108, 124):
    case(f'bmp 32 bits, header of {header}', bmp(32, rows(32, with_alpha), header=header))
    case(f'bmp 32 bits, bit fields without alpha, header of {header}', bmp(32, rows(32, with_alpha), header=header, compression=3, masks=m888))
case('bmp 32 bits, alpha of zeros without a mask', bmp(32, rows(32, packed)))
opaque = packed | 0xFF000000
for header in (56, 108, 124):
    for name, body in (('alpha', with_alpha), ('opaque', opaque)):
        case(f'bmp 32 bits, {name}, header of {header}', bmp(32, rows(32, body), header=header, compression=3, masks=m888 + struct.pack('<I', 0xFF000000)))
    # Browsers take alpha of zeros for no alpha, Pillow for an invisible picture.
    case(f'bmp 32 bits, alpha of zeros, header of {header}', bmp(32, rows(32, packed), header=header, compression=3, masks=m888 + struct.pack('<I', 0xFF000000)), want=RGB)
case('bmp 32 bits, alpha mask in ALPHABITFIELDS', bmp(32, rows(32, with_alpha), compression=6, masks=m888 + struct.pack('<I', 0xFF000000)),
     want=over_white(RGB, ALPHA), drop=RGB)
swapped = RGB[..., 2].astype(np.uint32) << 16 | RGB[..., 1].astype(np.uint32) << 8 | RGB[..., 0]
case('bmp 32 bits, RGBA', bmp(32, rows(32, swapped | ALPHA.astype(np.uint32) << 24), header=124, compression=3, masks=struct.pack('<IIII', 0xFF, 0xFF00, 0xFF0000, 0xFF000000)))
case('bmp 32 bits, ABGR', bmp(32, rows(32, packed << 8 | ALPHA), header=124, compression=3, masks=struct.pack('<IIII', 0xFF000000, 0xFF0000, 0xFF00, 0xFF)))
case('bmp 32 bits, XBGR', bmp(32, rows(32, packed << 8 | ALPHA), header=124, compression=3, masks=struct.pack('<IIII', 0xFF000000, 0xFF0000, 0xFF00, 0)))
case('bmp 32 bits, masks of zeros', bmp(32, rows(32, with_alpha), header=124, compression=3, masks=b'\0' * 16))
v10 = rng.integers(0, 1024, (H, W, 3), dtype=np.uint32)
case('bmp 32 bits, 10 a channel', bmp(32, rows(32, v10[..., 0] << 20 | v10[..., 1] << 10 | v10[..., 2]), compression=3, masks=struct.pack('<III', 0x3FF << 20, 0x3FF << 10, 0x3FF)),
     want=(v10 * 255 // 1023).astype(np.uint8))


def rle8(index, end_of_line=True, end=b'\0\1'):
    body = b''
    for row in index[::-1]:
        x = 0
        while x < W:
            n = 1
            while x + n < W and row[x + n] == row[x]:
                n += 1
            if n > 1 or x % 3 == 0:
                body += bytes([n, row[x]])
                x += n
            else:
                n = min(5, W - x)
                if n < 3:
                    body += b''.join(bytes([1, v]) for v in row[x:x + n])
                else:
                    body += bytes([0, n, *row[x:x + n]]) + b'\0' * (n % 2)
                x += n
        if end_of_line:
            body += b'\0\0'
    return body[:-2] + end if end_of_line else body + end


p = palette(256)
index = np.repeat(rng.integers(0, 256, (H, W), dtype=np.uint8), 2, 1)[:, 1:W + 1]
grays = quads(np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, 1))
for name, colours in (('', quads(p)), (', gray', grays)):
    case('bmp RLE8' + name, bmp(8, rle8(index), compression=1, colours=colours))
refused('bmp RLE8, no ends of lines', bmp(8, rle8(index, False), compression=1, colours=quads(p)), 'BMP', 'ends too early')
case('bmp RLE8, no end of bitmap', bmp(8, rle8(index, end=b''), compression=1, colours=quads(p)))
case('bmp RLE8, OS/2 2', bmp(8, rle8(index), header=64, compression=1, colours=quads(p)))
case('bmp RLE8, top-down', bmp(8, rle8(index[::-1]), compression=1, colours=quads(p), top_down=True))
jumped = [[10] * 5 + [0] * 8, [0] * 8 + [11] * 4 + [0]] + [[12] * 13] * 6 + [[1, 2, 3] + [9] * 10]
case('bmp RLE8, jumps', bmp(8, b'\5\x0a\0\2\3\1\4\x0b\0\0' + b'\x0d\x0c\0\0' * 6 + b'\0\3\1\2\3\0\x0a\x09', compression=1, colours=quads(p)),
     want=p[np.array(jumped[::-1])])  # of which Pillow skips two bytes more
case('bmp RLE8, short lines', bmp(8, b'\5\x0a\0\0' * 8 + b'\x0d\x0c\0\1', compression=1, colours=quads(p)))
case('bmp RLE8, a run beyond its line', bmp(8, b'\xff\x0a\0\0' * 8 + b'\x0d\x0c\0\1', compression=1, colours=quads(p)))
early = np.broadcast_to(p[0], (H, W, 3)).copy()
early[H - 1, :5] = p[10]
case('bmp RLE8, early end of bitmap', bmp(8, b'\5\x0a\0\1', compression=1, colours=quads(p)), want=early)
refused('bmp RLE8, cut', bmp(8, b'\5\x0a\0\0\x0d', compression=1, colours=quads(p)), 'BMP', 'ends too early')
p = palette(16)
lines = [(bytes([7, 0x5A, 6, 0x3C]), [5, 10, 5, 10, 5, 10, 5, 3, 12, 3, 12, 3, 12]),
         (bytes([0, 5, 0x12, 0x34, 0x50, 0, 8, 0x77]), [1, 2, 3, 4, 5] + [7] * 8),
         (bytes([0, 4, 0x9A, 0xBC, 9, 0xDD]), [9, 10, 11, 12] + [13] * 9),
         (bytes([0, 13, 1, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xC0, 0]), list(range(13)))]
picture = [lines[i % 4] for i in range(H)]
case('bmp RLE4', bmp(4, b'\0\0'.join(b for b, _ in picture) + b'\0\1', compression=2, colours=quads(p)), want=p[np.array([v for _, v in picture])[::-1]])
case('bmp RLE4, runs', bmp(4, (lines[0][0] + b'\0\0') * H + b'\0\1', compression=2, colours=quads(p)))
body = b''
for y in range(H - 1, -1, -1):
    body += bytes([2, *RGB[y, 0, ::-1]]) + bytes([0, W - 2]) + RGB[y, 2:, ::-1].tobytes() + b'\0' * ((W - 2) * 3 % 2) + b'\0\0'
want = RGB.copy()
want[:, 1] = want[:, 0]
case('bmp RLE24, OS/2 2', bmp(24, body + b'\0\1', header=64, compression=4), want=want)
refused('bmp, cut', bmp(24, rows(24, packed))[:-20], 'BMP', 'ends too early', 'row 9 of 9')
refused('bmp, header alone', bmp(24, b''), 'BMP', 'ends too early')
refused('bmp, header cut', bmp(24, b'')[:30], 'BMP', 'ends too early')
refused('bmp, a JPEG within', bmp(0, save(SMOOTH, 'JPEG'), compression=4), 'BMP', 'not supported', 'a JPEG within')
refused('bmp, a PNG within', bmp(0, save(SMOOTH, 'PNG'), compression=5), 'BMP', 'not supported', 'a PNG within')
refused('bmp, Huffman', bmp(1, b'\0' * 40, header=64, compression=3, colours=b'\0' * 8), 'BMP', 'not supported', 'Huffman')
refused('bmp, no width', bmp(24, b'', width=0), 'BMP', '0 x 9')
refused('bmp 5 bits', bmp(5, b'\0' * 400), 'BMP', 'not supported', '5 bits')

# ---------------------------------------------------------------------------- GIF

def lzw(index, bits, end=True):
    """Without a dictionary: a clear code before it would grow."""
    width, clear = bits + 1, 1 << bits
    codes, n = [clear], 0
    for v in index:
        if n == clear - 2:
            codes.append(clear)
            n = 0
        codes.append(int(v))
        n += 1
    if end:
        codes.append(clear + 1)
    value = sum(c << (width * i) for i, c in enumerate(codes))
    return value.to_bytes((width * len(codes) + 7) // 8, 'little')


def blocks(data):
    return b''.join(bytes([len(data[i:i + 255])]) + data[i:i + 255] for i in range(0, len(data), 255)) + b'\0'


def gif(index, bits=8, canvas=(W, H), at=(0, 0), table=None, local=None, transparent=None, interlace=False, background=0, data=None, before=b'', after=b';', version=b'GIF89a', disposal=0):
    def flag(t):
        return 0 if t is None else 0x80 | (len(t).bit_length() - 2)
    g = version + struct.pack('<HHBBB', *canvas, flag(table) | 0x70, background, 0) + (b'' if table is None else table.tobytes())
    g += before
    if transparent is not None or disposal:
        g += b'!\xf9\4' + struct.pack('<BHB', disposal << 2 | (transparent is not None), 0, transparent or 0) + b'\0'
    h, w = index.shape
    g += b',' + struct.pack('<HHHHB', *at, w, h, flag(local) | (0x40 if interlace else 0)) + (b'' if local is None else local.tobytes())
    if interlace:
        index = np.concatenate([index[0::8], index[4::8], index[2::4], index[1::2]])
    return g + bytes([bits]) + (blocks(lzw(index.ravel(), bits)) if data is None else data) + after


index = rng.integers(0, 256, (H, W), dtype=np.uint8)
t = palette(256)
case('gif', gif(index, table=t))
case('gif 87a', gif(index, table=t, version=b'GIF87a'))
case('gif, local table', gif(index, local=t))
case('gif, local and global table', gif(index, table=palette(16), local=t))
case('gif, no table', gif(index))
case('gif, gray table', gif(index, table=np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, 1)))
case('gif, no table, transparent', gif(index, transparent=int(index[3, 4])))
case('gif, interlaced', gif(index, table=t, interlace=True))
case('gif, transparent', gif(index % 16, 4, table=t[:16], transparent=7))
case('gif, transparent, gray', gif(index, table=np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, 1), transparent=int(index[0, 0])))
case('gif, transparent beyond the table', gif(index % 4, 2, table=t[:4], transparent=200))
case('gif, indices beyond the table', gif(index, 8, table=t[:16]))
for bits in range(2, 9):
    case(f'gif {bits} bits', gif(index.astype(int) % (1 << bits), bits, table=t[:1 << bits]))
case('gif 1 bit', gif(index % 2, 2, table=t[:2]))
for name, canvas, at in (('frame smaller', (20, 15), (3, 2)), ('frame larger', (6, 5), (0, 0)), ('frame beyond', (14, 10), (5, 6)),
                         ('frame outside', (10, 8), (12, 11)), ('no canvas', (0, 0), (0, 0)), ('no canvas, frame aside', (0, 0), (2, 3))):
    case(f'gif, {name}', gif(index, table=t, canvas=canvas, at=at, background=9))
    case(f'gif, {name}, transparent', gif(index, table=t, canvas=canvas, at=at, transparent=5, background=9))
    case(f'gif, {name}, no table', gif(index, canvas=canvas, at=at))
    case(f'gif, {name}, interlaced', gif(index, table=t, canvas=canvas, at=at, interlace=True, disposal=2))
case('gif, surplus pixels', gif(index, table=t, data=blocks(lzw(np.append(index.ravel(), index.ravel()), 8))))
case('gif, surplus bytes', gif(index, table=t, data=blocks(lzw(index.ravel(), 8) + b'surplus' * 50)))
case('gif, no end code', gif(index, table=t, data=blocks(lzw(index.ravel(), 8, end=False))))
case('gif, no trailer', gif(index, table=t, after=b''))
case('gif, surplus after the trailer', gif(index, table=t, after=b';' + b'more' * 9))
case('gif, blocks of one byte', gif(index, table=t, data=b''.join(bytes([1, v]) for v in lzw(index.ravel(), 8)) + b'\0'))
case('gif, comment and application', gif(index, table=t, before=b'!\xfe\5hello\0!\xff\x0bNETSCAPE2.0\3\1\0\0\0'))
frames = [Image.fromarray(rng.integers(0, 256, (H, W), dtype=np.uint8), 'L').convert('P') for _ in range(3)]
case('gif, animation', save(frames[0], 'GIF', save_all=True, append_images=frames[1:], duration=50))
big = Image.fromarray(np.add.outer(np.arange(70), np.arange(90)).astype(np.uint8) // 3)
case('gif by Pillow', save(big, 'GIF'))
noise = Image.fromarray(rng.integers(0, 4, (70, 90), dtype=np.uint8) * 60)
case('gif by Pillow, noise', save(noise, 'GIF'))
case('gif by Pillow, full dictionary', save(Image.fromarray(rng.integers(0, 256, (80, 100), dtype=np.uint8)).convert('P'), 'GIF'))
whole = gif(index, table=t)
refused('gif, cut', whole[:-60], 'GIF', 'ends too early')
refused('gif, no frame', whole[:13 + 768] + b';', 'GIF', 'without a picture')
refused('gif, header alone', whole[:13 + 768], 'GIF', 'ends too early')
refused('gif, early end code', gif(index, table=t, data=blocks(lzw(index.ravel()[:40], 8))), 'GIF', '40 of 117 pixels')
refused('gif, early end of data', gif(index, table=t, data=blocks(lzw(index.ravel()[:40], 8, end=False))), 'GIF', 'ends too early')
refused('gif, code out of order', gif(index, table=t, data=blocks(bytes([0, 0xff, 0xff, 0xff, 0xff]))), 'GIF', 'damaged')
refused('gif, empty frame', gif(index[:0], table=t), 'GIF', '13 x 0')

# ---------------------------------------------------------------------------- PNG

def chunk(kind, body, spoil=0):
    return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body) ^ spoil)


SIGNATURE = b'\x89PNG\r\n\x1a\n'


def filtered(raw, n, distance):
    """Every filter, row after row."""
    data, above = b'', bytes(n)
    for i in range(0, len(raw), n):
        row, f = raw[i:i + n], i // n % 5
        left = bytes(distance) + row[:-distance] if distance < n else bytes(n)
        corner = bytes(distance) + above[:-distance] if distance < n else bytes(n)
        def guess(a, b, c):
            p = a + b - c
            pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
            return (0, a, b, (a + b) // 2, a if pa <= pb and pa <= pc else b if pb <= pc else c)[f]
        data += bytes([f]) + bytes((v - guess(*abc)) & 255 for v, *abc in zip(row, left, above, corner))
        above = row
    return data


def pack(samples, depth):
    """samples: [H][W][n]"""
    if depth == 16:
        return [samples[y].astype('>u2').tobytes() for y in range(len(samples))]
    lines = []
    for row in samples.reshape(len(samples), -1):
        text = ''.join(format(int(v), f'0{depth}b') for v in row)
        text += '0' * (-len(text) % 8)
        lines.append(bytes(int(text[i:i + 8], 2) for i in range(0, len(text), 8)))
    return lines


def png(samples, depth, kind, extra=b'', interlace=False, compressed=None, idat=None, after=b'', end=None, spoil=0):
    h, w, n = samples.shape
    raw = b''
    parts = [samples]
    if interlace:
        parts = [samples[y::dy, x::dx] for x, y, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))]
    for part in parts:
        if part.size:
            lines = pack(part, depth)
            raw += filtered(b''.join(lines), len(lines[0]), max(n * depth // 8, 1))
    data = zlib.compress(raw) if compressed is None else compressed(raw)
    head = chunk(b'IHDR', struct.pack('>IIBBBBB', w, h, depth, kind, 0, 0, interlace))
    return SIGNATURE + head + extra + (chunk(b'IDAT', data, spoil) if idat is None else idat(data)) + after + (chunk(b'IEND', b'') if end is None else end)


def upper(samples, depth):
    return (samples >> 8 if depth == 16 else samples * (255 // ((1 << depth) - 1))).astype(np.uint8)


for interlace in (False, True):
    tag = ', interlaced' if interlace else ''
    for kind, n, depths in ((0, 1, (1, 2, 4, 8, 16)), (2, 3, (8, 16)), (4, 2, (8, 16)), (6, 4, (8, 16))):
        for depth in depths:
            s = rng.integers(0, 1 << depth, (H, W, n))
            name = f'png {["gray", "", "rgb", "", "gray and alpha", "", "rgb and alpha"][kind]} {depth}{tag}'
            data = png(s, depth, kind, interlace=interlace)
            if kind == 0 and depth == 16:  # clipped to white by Pillow's convert
                case(name, data, want=np.repeat(upper(s, 16), 3, 2))
            else:
                case(name, data)
            if kind in (0, 2):
                # Transparency of one colour, by definition: Pillow compares it after scaling.
                key = s[4, 6]
                alpha = np.where((s == key).all(-1), 0, 255)
                rgb = np.repeat(upper(s, depth), 3, 2) if kind == 0 else upper(s, depth)
                case(name + ', one colour transparent', png(s, depth, kind, interlace=interlace, extra=chunk(b'tRNS', b''.join(struct.pack('>H', v) for v in key))),
                     want=over_white(rgb, alpha), drop=rgb)
    for depth in (1, 2, 4, 8):
        n = 1 << depth
        s, p = rng.integers(0, n, (H, W, 1)), palette(n)
        case(f'png palette {depth}{tag}', png(s, depth, 3, interlace=interlace, extra=chunk(b'PLTE', p.tobytes())))
        case(f'png palette {depth}, alpha{tag}', png(s, depth, 3, interlace=interlace, extra=chunk(b'PLTE', p.tobytes()) + chunk(b'tRNS', bytes(range(10, 10 + (n + 1) // 2)))))
        case(f'png palette {depth}, one transparent{tag}', png(s, depth, 3, interlace=interlace, extra=chunk(b'PLTE', p.tobytes()) + chunk(b'tRNS', b'\xff' * (n // 2) + b'\0')))
        few = max(n - 3, 1)
        case(f'png palette {depth}, {few} colours{tag}', png(s % few, depth, 3, interlace=interlace, extra=chunk(b'PLTE', p[:few].tobytes())))
    for w, h in ((1, 1), (2, 3), (5, 1), (8, 8), (17, 9)):
        case(f'png rgb 8, {w} x {h}{tag}', png(rng.integers(0, 256, (h, w, 3)), 8, 2, interlace=interlace))
        case(f'png gray 1, {w} x {h}{tag}', png(rng.integers(0, 2, (h, w, 1)), 1, 0, interlace=interlace))
    case(f'png palette 8, indices beyond it{tag}', png(rng.integers(0, 256, (H, W, 1)), 8, 3, interlace=interlace, extra=chunk(b'PLTE', palette(40).tobytes())))

S = RGB.astype(int)
stored = lambda raw: zlib.compress(raw, 0)
case('png, stored', png(S, 8, 2, compressed=stored))
case('png, many IDAT', png(S, 8, 2, idat=lambda d: b''.join(chunk(b'IDAT', d[i:i + 7]) for i in range(0, len(d), 7))))
case('png, empty IDAT', png(S, 8, 2, idat=lambda d: chunk(b'IDAT', b'') + chunk(b'IDAT', d) + chunk(b'IDAT', b'')))
case('png, no IEND', png(S, 8, 2, end=b''))
case('png, IEND cut', png(S, 8, 2, end=b'\0\0\0\0IE'))
case('png, no checksum after the pixels', png(S, 8, 2, end=b'')[:-4])
case('png, no Adler sum', png(S, 8, 2, compressed=lambda raw: zlib.compress(raw)[:-4]))
case('png, half an Adler sum and no more', png(S, 8, 2, end=b'')[:-6])
case('png, Adler sum wrong', png(S, 8, 2, compressed=lambda raw: zlib.compress(raw)[:-4] + b'oops'), want=RGB)
case('png, checksum of the pixels wrong', png(S, 8, 2, spoil=1))
case('png, surplus rows', png(S, 8, 2, compressed=lambda raw: zlib.compress(raw + raw)))
case('png, surplus rows, checksum wrong', png(S, 8, 2, compressed=lambda raw: zlib.compress(raw + raw), spoil=1))
case('png, surplus bytes in IDAT', png(S, 8, 2, compressed=lambda raw: zlib.compress(raw) + b'garbage' * 9))
case('png, surplus after IEND', png(S, 8, 2) + b'trailing' * 20)
case('png, ancillary checksum wrong before the pixels', png(S, 8, 2, extra=chunk(b'gAMA', struct.pack('>I', 45455), 1) + chunk(b'pHYs', struct.pack('>IIB', 1, 1, 1), 5)))
case('png, ancillary checksum wrong after the pixels', png(S, 8, 2, after=chunk(b'tIME', b'\7\xe5\1\1\1\1\1', 1)))
case('png, damaged text', png(S, 8, 2, extra=chunk(b'zTXt', b'no zero byte')))
case('png, profile', png(S, 8, 2, extra=chunk(b'sRGB', b'\0') + chunk(b'iCCP', b'name\0\0' + zlib.compress(b'not a profile'))))
case('png, IHDR longer', png(S, 8, 2)[:8] + chunk(b'IHDR', struct.pack('>IIBBBBB', W, H, 8, 2, 0, 0, 0) + b'more') + png(S, 8, 2)[33:])
case('png, unknown chunk', png(S, 8, 2, extra=chunk(b'abCd', b'??')))
case('png, deflate window of 256 bytes', png(S, 8, 2, compressed=lambda raw: (lambda c: c.compress(raw) + c.flush())(zlib.compressobj(9, zlib.DEFLATED, 9))))
case('png, animation', save(Image.fromarray(RGB), 'PNG', save_all=True, append_images=[Image.fromarray(RGB[::-1].copy())], duration=9))
case('png, animation with a default picture', save(Image.fromarray(RGB), 'PNG', save_all=True, default_image=True, append_images=[Image.fromarray(RGB[::-1].copy())], duration=9))
refused('png, cut', png(S, 8, 2)[:200], 'PNG', 'ends too early')
refused('png, cut in the header', png(S, 8, 2)[:20], 'PNG', 'damaged')
refused('png, cut before the pixels', png(S, 8, 2)[:33], 'PNG', 'ends too early')
refused('png, too few rows', png(S, 8, 2, compressed=lambda raw: zlib.compress(raw[:-30])), 'PNG', 'ends too early', 'row 9 of 9')
refused('png, both sums wrong', png(S, 8, 2, compressed=lambda raw: zlib.compress(raw)[:-4] + b'oops', spoil=1), 'PNG', 'checksums')
refused('png, IHDR spoilt', png(S, 8, 2)[:30] + b'\0' + png(S, 8, 2)[31:], 'PNG', 'header')
refused('png, no palette', png(S[..., :1], 8, 3), 'PNG', 'palette')
refused('png, palette spoilt', png(S[..., :1], 8, 3, extra=chunk(b'PLTE', palette(256).tobytes(), 1)), 'PNG', 'palette')
refused('png, filter 5', png(S, 8, 2, compressed=lambda raw: zlib.compress(b'\5' + raw[1:])), 'PNG', 'filter 5')
refused('png, no zlib', png(S, 8, 2, compressed=lambda raw: b'\1\2' + raw), 'PNG', 'begin wrongly')
refused('png, gray of 3 bits', png(S[..., :1] % 2, 1, 0).replace(struct.pack('>IIBB', W, H, 1, 0), struct.pack('>IIBB', W, H, 3, 0)), 'PNG', 'damaged')
refused('png for iPhones', SIGNATURE + chunk(b'CgBI', b'\x50\0\x20\2') + png(S, 8, 2)[8:], 'PNG', 'Apple')

# ---------------------------------------------------------------------------- EXIF

def exif(values, kind=3, order='<', prefix=b'', count=None, more=b'', tag=0x0112):
    code, size = {1: ('B', 1), 2: ('s', 1), 3: ('H', 2), 4: ('I', 4), 5: ('II', 8), 6: ('b', 1), 7: ('B', 1), 8: ('h', 2), 9: ('i', 4), 10: ('ii', 8), 11: ('f', 4), 12: ('d', 8), 13: ('I', 4), 16: ('Q', 8)}[kind]
    data = b''.join(struct.pack(order + code, *(v if isinstance(v, tuple) else (v,))) for v in values)
    entries = [struct.pack(order + 'HHI', 0x0100, 3, 1) + struct.pack(order + 'HH', 7, 0)]
    at = 8 + 2 + 12 * 2 + 4
    field = data.ljust(4, b'\0') if len(data) <= 4 else struct.pack(order + 'I', at)
    entries.append(struct.pack(order + 'HHI', tag, kind, len(values) if count is None else count) + field)
    head = (b'II*\0' if order == '<' else b'MM\0*') + struct.pack(order + 'I', 8)
    return prefix + head + struct.pack(order + 'H', 2) + b''.join(entries) + b'\0\0\0\0' + (data if len(data) > 4 else b'') + more


XMP = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description {} /></rdf:RDF></x:xmpmeta>'
xmp = XMP.format('tiff:Orientation="6"').encode()
xmp_element = b'<x:xmpmeta><tiff:Orientation>8</tiff:Orientation></x:xmpmeta>'


def jpeg(*segments):
    j = save(SMOOTH, 'JPEG', quality=95)
    return j[:2] + b''.join(b'\xff\xe1' + struct.pack('>H', len(s) + 2) + s for s in segments) + j[2:]


def both(name, data, prefix=b'Exif\0\0'):
    case('jpeg, ' + name, jpeg(prefix + data), lossy=True)
    case('png, ' + name, png(S, 8, 2, extra=chunk(b'eXIf', data)))


for o in range(10):
    both(f'orientation {o}', exif([o]))
for order in '<>':
    for kind, name in ((1, 'BYTE'), (2, 'ASCII'), (3, 'SHORT'), (4, 'LONG'), (5, 'RATIONAL'), (6, 'SBYTE'), (7, 'UNDEFINED'), (8, 'SSHORT'), (9, 'SLONG'), (10, 'SRATIONAL'), (11, 'FLOAT'), (12, 'DOUBLE'), (13, 'IFD'), (16, 'LONG8')):
        v = {2: b'6', 5: (6, 1), 10: (12, 2), 11: 6.0, 12: 6.0}.get(kind, 6)
        both(f'orientation as {name}, {"II" if order == "<" else "MM"}', exif([v], kind, order))
    both(f'orientation twice, {order}', exif([6, 3], 3, order))
    both(f'orientation three times, {order}', exif([6, 3, 1], 3, order))
both('orientation -6', exif([-6], 8))
both('orientation of count 0', exif([6], 3, count=0))
both('orientation 65542 as LONG', exif([65542], 4))
both('orientation cut', exif([6])[:24])
both('orientation in a damaged directory', b'II*\0\xff\xff\xff\xff')
both('orientation with EXIF twice', exif([6], prefix=b'Exif\0\0'))
case('jpeg, orientation in two segments', jpeg(b'Exif\0\0' + exif([6])[:20], b'Exif\0\0' + exif([6])[20:]), lossy=True)
case('jpeg, orientation by XMP', jpeg(b'http://ns.adobe.com/xap/1.0/\0' + xmp), lossy=True)
case('jpeg, orientation by XMP, element', jpeg(b'http://ns.adobe.com/xap/1.0/\0' + xmp_element), lossy=True)
case('jpeg, orientation by EXIF before XMP', jpeg(b'http://ns.adobe.com/xap/1.0/\0' + xmp, b'Exif\0\0' + exif([3])), lossy=True)
case('jpeg, EXIF without orientation, XMP', jpeg(b'http://ns.adobe.com/xap/1.0/\0' + xmp, b'Exif\0\0' + exif([3], tag=0x0113)), lossy=True)
case('png, orientation after the pixels', png(S, 8, 2, after=chunk(b'eXIf', exif([6]))))
case('png, orientation, checksum wrong', png(S, 8, 2, extra=chunk(b'eXIf', exif([6]), 1)))
case('png, orientation after the pixels, no IEND', png(S, 8, 2, after=chunk(b'eXIf', exif([8])), end=b''))
profile = b'\nexif\n' + str(len(exif([6], prefix=b'Exif\0\0'))).rjust(8).encode() + b'\n' + b'\n'.join(exif([6], prefix=b'Exif\0\0').hex()[i:i + 72].encode() for i in range(0, 200, 72)) + b'\n'
case('png, orientation by ImageMagick', png(S, 8, 2, extra=chunk(b'zTXt', b'Raw profile type exif\0\0' + zlib.compress(profile))))
case('png, orientation by ImageMagick, plain', png(S, 8, 2, extra=chunk(b'tEXt', b'Raw profile type exif\0' + profile)))
case('png, orientation by XMP', png(S, 8, 2, extra=chunk(b'iTXt', b'XML:com.adobe.xmp\0\0\0\0\0' + xmp)))
case('png, orientation by XMP, compressed', png(S, 8, 2, extra=chunk(b'iTXt', b'XML:com.adobe.xmp\0\1\0\0\0' + zlib.compress(xmp))))

# ---------------------------------------------------------------------------- WebP

def riff(*chunks, size=None):
    body = b'WEBP' + b''.join(k + struct.pack('<I', len(b)) + b + b'\0' * (len(b) % 2) for k, b in chunks)
    return b'RIFF' + struct.pack('<I', len(body) if size is None else size) + body


def parts(data):
    found, i = [], 12
    while i + 8 <= len(data):
        n = struct.unpack('<I', data[i + 4:i + 8])[0]
        found.append((data[i:i + 4], data[i + 8:i + 8 + n]))
        i += 8 + n + n % 2
    return found


def vp8x(flags, w, h):
    return b'VP8X', struct.pack('<I', flags) + (w - 1).to_bytes(3, 'little') + (h - 1).to_bytes(3, 'little')


h, w = SMOOTH.shape[:2]
A = np.add.outer(np.arange(h) * 9, np.arange(w) * 6).astype(np.uint8)
RGBA = np.dstack([SMOOTH, A])
lossy, lossless = save(SMOOTH, 'WEBP', quality=90), save(SMOOTH, 'WEBP', lossless=True)
case('webp', lossy, lossy=True)
case('webp, 13 x 9', save(RGB, 'WEBP', quality=80), lossy=True)
case('webp, 1 x 1', save(RGB[:1, :1].copy(), 'WEBP', quality=80), lossy=True)
case('webp lossless', lossless)
case('webp lossless, 13 x 9', save(RGB, 'WEBP', lossless=True))
case('webp lossless, noise in few colours', save(palette(5)[rng.integers(0, 5, (40, 50))], 'WEBP', lossless=True))
alpha = save(RGBA, 'WEBP', quality=90)
case('webp, alpha', alpha, lossy=True)
case('webp, alpha of quality 20', save(RGBA, 'WEBP', quality=90, alpha_quality=20), lossy=True)
case('webp lossless, alpha', save(RGBA, 'WEBP', lossless=True, exact=True))
still, still_alpha, still_lossless = parts(lossy)[0], dict(parts(alpha)), parts(lossless)[0]
for f in range(4):
    filtered_plane = np.zeros_like(A)
    p = A.astype(int)
    for y in range(h):
        for x in range(w):
            left, up = (p[y, x - 1] if x else None), (p[y - 1, x] if y else None)
            if f == 0 or (left is None and up is None):
                guess = 0
            elif left is None:
                guess = up
            elif up is None:
                guess = left
            else:
                guess = {1: left, 2: up, 3: min(max(left + up - p[y - 1, x - 1], 0), 255)}[f]
            filtered_plane[y, x] = (p[y, x] - guess) & 255
    case(f'webp, plain alpha, filter {f}', riff(vp8x(16, w, h), (b'ALPH', bytes([f << 2]) + filtered_plane.tobytes()), still), lossy=True)
case('webp, alpha flag without ALPH', riff(vp8x(16, w, h), still), lossy=True)
case('webp, ALPH without alpha flag', riff(vp8x(0, w, h), (b'ALPH', still_alpha[b'ALPH']), (b'VP8 ', still_alpha[b'VP8 '])), lossy=True)
case('webp lossless with alpha, without alpha flag', riff(vp8x(0, w, h), parts(save(RGBA, 'WEBP', lossless=True, exact=True))[-1]))
case('webp, unknown chunks', riff(vp8x(0, w, h), (b'ABCD', b'odd'), still, (b'WXYZ', b'more!')), lossy=True)
case('webp, surplus', lossy + b'surplus bytes', lossy=True)
for name, data in (('raw', exif([6])), ('prefix', exif([6], prefix=b'Exif\0\0')), ('MM', exif([8], 4, '>'))):
    case(f'webp, EXIF, {name}', riff(vp8x(8, w, h), still, (b'EXIF', data)), lossy=True)
    case(f'webp lossless, EXIF, {name}', riff(vp8x(8, w, h), still_lossless, (b'EXIF', data)))
case('webp, EXIF without its flag', riff(vp8x(0, w, h), still, (b'EXIF', exif([6]))), lossy=True)
case('webp, XMP', riff(vp8x(4, w, h), still, (b'XMP ', xmp)), lossy=True)
frames = [Image.fromarray(a) for a in (SMOOTH, SMOOTH[::-1].copy())]
case('webp, animation', save(frames[0], 'WEBP', save_all=True, append_images=frames[1:], duration=40, quality=90), lossy=True)
case('webp lossless, animation', save(frames[0], 'WEBP', save_all=True, append_images=frames[1:], duration=40, lossless=True))
frames = [Image.fromarray(a) for a in (RGBA, RGBA[::-1].copy())]
case('webp, animation with alpha', save(frames[0], 'WEBP', save_all=True, append_images=frames[1:], duration=40, quality=90), lossy=True)


def anmf(x, y, *chunks, flags=0):
    return b'ANMF', (x // 2).to_bytes(3, 'little') + (y // 2).to_bytes(3, 'little') + (w - 1).to_bytes(3, 'little') + (h - 1).to_bytes(3, 'little') + (40).to_bytes(3, 'little') + bytes([flags]) + riff(*chunks)[12:]


anim = b'ANIM', b'\x10\x20\x30\xff\0\0'
case('webp, animation, frame smaller', riff(vp8x(2, 30, 25), anim, anmf(6, 10, still_lossless), anmf(0, 0, still_lossless)))
case('webp, animation, frame smaller, alpha', riff(vp8x(18, 30, 25), anim, anmf(6, 10, still_lossless)))
transparent = parts(save(RGBA, 'WEBP', lossless=True, exact=True))[-1]
case('webp, animation, lossless with alpha, without alpha flag', riff(vp8x(2, 30, 25), anim, anmf(6, 10, transparent)))
case('webp, animation, lossless with alpha, alpha flag', riff(vp8x(18, 30, 25), anim, anmf(6, 10, transparent)))
case('webp, animation, ALPH without alpha flag', riff(vp8x(2, 30, 25), anim, anmf(6, 10, (b'ALPH', still_alpha[b'ALPH']), (b'VP8 ', still_alpha[b'VP8 ']))), lossy=True)
case('webp, animation, frame smaller, EXIF', riff(vp8x(10, 30, 25), anim, anmf(6, 10, still_lossless), (b'EXIF', exif([6]))))
case('webp, animation, second frame cut', riff(vp8x(2, w, h), anim, anmf(0, 0, still_lossless), anmf(0, 0, still_lossless))[:-50], want=SMOOTH)
case('webp lossless, EXIF cut', riff(vp8x(8, w, h), still_lossless, (b'EXIF', exif([6])))[:-30], want=SMOOTH)
refused('webp, cut', lossy[:-10], 'WebP', 'ends too early')
refused('webp lossless, cut', lossless[:-10], 'WebP', 'ends too early')
refused('webp, animation, first frame cut', riff(vp8x(2, w, h), anim, anmf(0, 0, still_lossless))[:-50], 'WebP', 'ends too early')
refused('webp, frame beyond the canvas', riff(vp8x(2, 20, 14), anim, anmf(6, 10, still_lossless)), 'WebP', 'contradict')
refused('webp, canvas of another size', riff(vp8x(0, w + 1, h), still), 'WebP', 'contradict')
refused('webp, no pixels', riff(vp8x(0, w, h)), 'WebP', 'pixels are missing')
refused('webp, alpha cut', riff(vp8x(16, w, h), (b'ALPH', b'\0' + A.tobytes()[:-5]), still), 'WebP', 'transparency')

# ---------------------------------------------------------------------------- TIFF

def tiff(tags, body, order='<', big=False):
    """tags: {tag: (type, values)}; offsets are relative to the body."""
    codes = {1: 'B', 3: 'H', 4: 'I', 16: 'Q'}
    word = 'Q' if big else 'I'
    head = (b'II' if order == '<' else b'MM') + (struct.pack(order + 'HHHQ', 43, 8, 0, 16 + len(body)) if big else struct.pack(order + 'HI', 42, 8 + len(body)))
    base, n = len(head), len(tags)
    at = base + len(body) + (8 + 20 * n + 8 if big else 2 + 12 * n + 4)
    entries, extra = b'', b''
    for tag, (kind, values) in sorted(tags.items()):
        values = [v + base for v in values] if tag in (273, 324) else values
        data = struct.pack(order + codes[kind] * len(values), *values)
        room = 8 if big else 4
        entries += struct.pack(order + 'HH' + word, tag, kind, len(values))
        if len(data) <= room:
            entries += data.ljust(room, b'\0')
        else:
            entries += struct.pack(order + word, at + len(extra))
            extra += data + b'\0' * (len(data) % 2)
    return head + body + struct.pack(order + ('Q' if big else 'H'), n) + entries + b'\0' * (8 if big else 4) + extra


def layout(samples, depth, photometric, order='<', strip=4, tile=None, planar=1, compression=1, compress=lambda b: b, predictor=1, extra=None, big=False, fill=1, more=None, spoil=None):
    h, w, n = samples.shape
    planes = [samples] if planar == 1 else [samples[..., i:i + 1] for i in range(n)]
    body, offsets, counts = b'', [], []
    for plane in planes:
        pieces = []
        if tile:
            for y in range(0, h, tile):
                for x in range(0, w, tile):
                    block = np.zeros((tile, tile, plane.shape[2]), plane.dtype)
                    part = plane[y:y + tile, x:x + tile]
                    block[:part.shape[0], :part.shape[1]] = part
                    pieces.append(block)
        else:
            pieces = [plane[y:y + strip] for y in range(0, h, strip)]
        for block in pieces:
            if predictor == 2:
                block = block.copy()
                block[:, 1:] -= block[:, :-1]
                block &= (1 << depth) - 1
            if depth == 16:
                data = block.astype(order + 'u2').tobytes()
            else:
                data = b''.join(pack(block, depth))
            data = compress(data)
            if fill == 2:
                data = bytes(int(format(v, '08b')[::-1], 2) for v in data)
            offsets.append(len(body))
            counts.append(len(data))
            body += data + b'\0' * (len(data) % 2)
    tags = {256: (3, [w]), 257: (3, [h]), 258: (3, [depth] * n), 259: (3, [compression]), 262: (3, [photometric]), 277: (3, [n]), 284: (3, [planar])}
    if tile:
        tags |= {322: (3, [tile]), 323: (3, [tile]), 324: (4, offsets), 325: (4, counts)}
    else:
        tags |= {273: (4, offsets), 278: (3, [strip]), 279: (4, counts)}
    if predictor != 1:
        tags[317] = (3, [predictor])
    if fill != 1:
        tags[266] = (3, [fill])
    if extra is not None:
        tags[338] = (3, extra)
    if more:
        tags |= more
    if spoil:
        spoil(tags)
    return tiff(tags, body, order, big)


def packbits(data):
    packed, i = b'', 0
    while i < len(data):
        n = 1
        while i + n < len(data) and n < 100 and data[i + n] == data[i]:
            n += 1
        if n > 1:
            packed += bytes([257 - n, data[i]])
        else:
            packed += bytes([0, data[i]])
        i += n
    return packed + b'\x80'


def tiff_lzw(data):
    """Nine bits a code, cleared before the tenth is needed."""
    codes, n = [256], 0
    for v in data:
        if n == 200:
            codes.append(256)
            n = 0
        codes.append(v)
        n += 1
    codes.append(257)
    text = ''.join(format(c, '09b') for c in codes)
    text += '0' * (-len(text) % 8)
    return bytes(int(text[i:i + 8], 2) for i in range(0, len(text), 8))


C = rng.integers(0, 256, (H, W, 6))
C16 = rng.integers(0, 1 << 16, (H, W, 4))
big_map = lambda p: {320: (3, [int(v) * 257 for c in range(3) for v in p[:, c]])}
for order in '<>':
    name = 'II' if order == '<' else 'MM'
    case(f'tiff rgb 8, {name}', layout(C[..., :3], 8, 2, order))
    case(f'tiff rgb 16, {name}', layout(C16[..., :3], 16, 2, order))
    case(f'tiff rgb 16, predictor, {name}', layout(C16[..., :3], 16, 2, order, compression=8, compress=zlib.compress, predictor=2))
    case(f'tiff gray 16, {name}', layout(C16[..., :1], 16, 1, order), want=np.repeat(upper(C16[..., :1], 16), 3, 2))
    case(f'tiff rgb and alpha 16, {name}', layout(C16, 16, 2, order, extra=[2]))
    case(f'bigtiff rgb 8, {name}', layout(C[..., :3], 8, 2, order, big=True), want=C[..., :3].astype(np.uint8))
    case(f'tiff, orientation 6, {name}', layout(C[..., :3], 8, 2, order, more={274: (3, [6])}))
for o in range(1, 9):
    case(f'tiff, orientation {o}', layout(C[..., :3], 8, 2, more={274: (3, [o])}))
for photometric in (0, 1):
    for depth in (1, 2, 4, 8):
        case(f'tiff gray {depth}, {"white" if photometric == 0 else "black"} is zero', layout(C[..., :1] % (1 << depth), depth, photometric))
for depth in (1, 2, 4, 8):
    p = palette(1 << depth)
    case(f'tiff palette {depth}', layout(C[..., :1] % (1 << depth), depth, 3, more=big_map(p)))
    case(f'tiff palette {depth}, tiles', layout(C[..., :1] % (1 << depth), depth, 3, more=big_map(p), tile=16))
for compression, compress, name in ((5, tiff_lzw, 'LZW'), (8, zlib.compress, 'Deflate'), (32946, zlib.compress, 'old Deflate'), (32773, packbits, 'PackBits')):
    case(f'tiff {name}', layout(C[..., :3], 8, 2, compression=compression, compress=compress))
    case(f'tiff {name}, tiles', layout(C[..., :3], 8, 2, compression=compression, compress=compress, tile=16))
    case(f'tiff {name}, gray 1', layout(C[..., :1] % 2, 1, 1, compression=compression, compress=compress))
    case(f'tiff {name}, planes', layout(C[..., :3], 8, 2, compression=compression, compress=compress, planar=2))
    if compression != 32773:
        case(f'tiff {name}, predictor', layout(C[..., :3], 8, 2, compression=compression, compress=compress, predictor=2))
        case(f'tiff {name}, predictor, alpha', layout(C[..., :4], 8, 2, compression=compression, compress=compress, predictor=2, extra=[2]))
        case(f'tiff {name}, predictor, planes', layout(C[..., :3], 8, 2, compression=compression, compress=compress, predictor=2, planar=2))
case('tiff planes', layout(C[..., :3], 8, 2, planar=2))
case('tiff planes, tiles', layout(C[..., :3], 8, 2, planar=2, tile=16))
case('tiff planes, alpha', layout(C[..., :4], 8, 2, planar=2, extra=[2]))
case('tiff one strip', layout(C[..., :3], 8, 2, strip=H))
case('tiff strips of one row', layout(C[..., :3], 8, 2, strip=1))
case('tiff, alpha', layout(C[..., :4], 8, 2, extra=[2]))
case('tiff, alpha not named', layout(C[..., :4], 8, 2))
case('tiff, fourth sample of no kind', layout(C[..., :4], 8, 2, extra=[0]))
case('tiff, alpha and another', layout(C[..., :5], 8, 2, extra=[2, 0]))
premultiplied = C[..., :4].copy()
premultiplied[..., :3] = premultiplied[..., :3] * premultiplied[..., 3:] // 255
case('tiff, associated alpha', layout(premultiplied, 8, 2, extra=[1]))
case('tiff gray and alpha', layout(C[..., :2], 8, 1, extra=[2]))
case('tiff cmyk', layout(C[..., :4], 8, 5))
case('tiff cmyk 16', layout(C16, 16, 5))
case('tiff cmyk, planes', layout(C[..., :4], 8, 5, planar=2))
case('tiff cmyk, tiles', layout(C[..., :4], 8, 5, tile=16))
case('tiff gray 1, lowest bit first', layout(C[..., :1] % 2, 1, 1, fill=2))
case('tiff gray 8, lowest bit first', layout(C[..., :1], 8, 1, fill=2))
case('tiff, no strip counts', layout(C[..., :3], 8, 2, strip=H, spoil=lambda t: t.pop(279)))
case('tiff, no rows a strip', layout(C[..., :3], 8, 2, strip=H, spoil=lambda t: t.pop(278)))
case('tiff Deflate, Adler sums wrong', layout(C[..., :3], 8, 2, compression=8, compress=lambda b: zlib.compress(b)[:-4] + b'oops'), want=C[..., :3].astype(np.uint8))
fax = Image.fromarray(((np.add.outer(np.arange(60), np.arange(75)) // 7 % 2) * 255).astype(np.uint8)).convert('1')
for compression in ('group3', 'group4', 'tiff_lzw', 'tiff_adobe_deflate', 'packbits'):
    case(f'tiff 1 bit by libtiff, {compression}', save(fax, 'TIFF', compression=compression))
    case(f'tiff 1 bit by libtiff, {compression}, white is zero', save(fax, 'TIFF', compression=compression, tiffinfo={262: 0}))
for compression in ('tiff_lzw', 'tiff_adobe_deflate', 'packbits'):
    case(f'tiff rgb by libtiff, {compression}', save(SMOOTH, 'TIFF', compression=compression))
    case(f'tiff noise by libtiff, {compression}', save(rng.integers(0, 256, (60, 50, 3), dtype=np.uint8), 'TIFF', compression=compression))
pages = [Image.fromarray(RGB), Image.fromarray(RGB[::-1].copy())]
case('tiff, two pages', save(pages[0], 'TIFF', save_all=True, append_images=pages[1:]))
whole = layout(C[..., :3], 8, 2)
refused('tiff, cut', whole[:100], 'TIFF', 'ends too early')
refused('tiff, strip beyond the file', layout(C[..., :3], 8, 2, strip=H, spoil=lambda t: t.update({273: (4, [100000])})), 'TIFF', 'ends too early')
refused('tiff LZW, cut strip', layout(C[..., :3], 8, 2, compression=5, compress=lambda b: tiff_lzw(b)[:-20]), 'TIFF', 'damaged')
refused('tiff, too few strips', layout(C[..., :3], 8, 2, spoil=lambda t: t.update({278: (3, [1])})), 'TIFF', '3 parts', 'expected 9')
tall = np.concatenate([SMOOTH, SMOOTH[::-1], SMOOTH])[:, :17].copy()
for q in (60, 95):
    case(f'tiff JPEG by libtiff, {q}', save(tall, 'TIFF', compression='jpeg', quality=q), lossy=True)
    case(f'tiff JPEG by libtiff, gray, {q}', save(tall[..., 1].copy(), 'TIFF', compression='jpeg', quality=q), lossy=True)


def tiff_jpeg(photometric, tile=None, order='<', **options):
    """Whole JPEG files as strips or tiles; RGB ones without a transform of colours."""
    def compress(_):
        return files.pop(0)
    padded = np.zeros((48, 32, 3), np.uint8)
    padded[:36, :17] = tall
    source = [padded[y:y + 16, x:x + 16] for y in range(0, 36, 16) for x in range(0, 17, 16)] if tile else [tall[y:y + 16] for y in range(0, 36, 16)]
    files = [save(a.copy(), 'JPEG', quality=95, keep_rgb=photometric == 2, **options) for a in source]
    if photometric == 6:
        files = [f[:2] + f[20:] for f in files]  # without JFIF's segment
    return layout(tall.astype(int), 8, photometric, order, strip=16, tile=tile, compression=7, compress=compress)


case('tiff JPEG, YCbCr', tiff_jpeg(6), lossy=True)
case('tiff JPEG, YCbCr, tiles', tiff_jpeg(6, 16), lossy=True)
case('tiff JPEG, YCbCr, MM', tiff_jpeg(6, order='>', subsampling=0), lossy=True)
case('tiff JPEG, RGB', tiff_jpeg(2), lossy=True)
case('tiff JPEG, RGB, tiles', tiff_jpeg(2, 16), lossy=True)
refused('tiff JPEG, cut strip', layout(tall.astype(int), 8, 6, strip=36, compression=7, compress=lambda _: save(tall, 'JPEG')[:500]), 'TIFF', 'damaged')
refused('tiff JPEG, other size', layout(tall.astype(int), 8, 6, strip=36, compression=7, compress=lambda _: save(tall[:, :9].copy(), 'JPEG')), 'TIFF', 'a JPEG of 9 x 36')
refused('tiff old JPEG', layout(tall.astype(int), 8, 6, compression=6), 'TIFF', 'not supported', 'of 1992')
refused('tiff floating point', save(SMOOTH[..., 0].astype(np.float32), 'TIFF'), 'TIFF', 'not supported', 'floating')
refused('tiff YCbCr', layout(C[..., :3], 8, 6), 'TIFF', 'not supported', 'YCbCr')
refused('tiff DNG', layout(C[..., :3], 8, 2, more={50706: (1, [1, 4, 0, 0])}), 'TIFF', 'not supported', "camera's raw")
refused('tiff preview', layout(C[..., :3], 8, 2, more={254: (4, [1])}), 'TIFF', 'not supported', 'preview')
refused('tiff 12 bits', layout(C16[..., :1] >> 4, 4, 1, spoil=lambda t: t.update({258: (3, [12])})), 'TIFF', 'not supported', '12 bits')

text = json.dumps(dict(pillow=__version__, pictures=out), indent=0).encode()
with open(os.path.join(here, 'pictures.json.gz'), 'wb') as f:
    f.write(gzip.compress(text, 9, mtime=0))
print(len(out), 'pictures,', os.path.getsize(f.name), 'bytes')
