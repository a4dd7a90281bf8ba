"""Writes the shards in this folder with the libraries that users write theirs with.

    python -m venv venv && venv/bin/pip install webdataset==1.0.2 tfrecord==1.14.6 pillow
    venv/bin/python make_shards.py

wds-train-*.tar and wds-val-*.tar are WebDataset's, with labels in .cls, in .json and in
.txt; train.tfrecord.gz and train.tfrecord.zlib are one TFRecord file in the two ways in
which TensorFlow compresses one.
"""

import gzip
import io
import os
import zlib

import PIL.Image
import tfrecord
import webdataset

here = os.path.dirname(os.path.abspath(__file__))


def picture(i):
    image = PIL.Image.new("RGB", (6, 5), (20 * i, 255 - 20 * i, 40))
    b = io.BytesIO()
    image.save(b, "JPEG")
    return b.getvalue()


def write(pattern, first, samples, maxcount):
    with webdataset.ShardWriter(os.path.join(here, pattern), maxcount=maxcount, verbose=0, mtime=0) as sink:
        for i in range(samples):
            n = first + i
            name = ["ant", "bee", "cat"][n % 3]
            sink.write({"__key__": "%04d" % n, "jpg": picture(n), "cls": n % 3, "json": {"label": n % 3, "class_name": name, "id": n}, "txt": name})


write("wds-train-%06d.tar", 0, 5, 3)
write("wds-val-%06d.tar", 5, 3, 3)

path = os.path.join(here, "train.tfrecord")
writer = tfrecord.TFRecordWriter(path)
for n in range(4):
    writer.write({
        "image/encoded": (picture(n), "byte"),
        "image/class/label": (1 + n % 2, "int"),
        "image/class/synset": (b"n0144076%d" % (n % 2), "byte"),
        "image/filename": (b"%d.JPEG" % n, "byte"),
    })
writer.close()
with open(path, "rb") as file:
    data = file.read()
os.remove(path)
with open(path + ".gz", "wb") as file:
    file.write(gzip.compress(data, mtime=0))
with open(path + ".zlib", "wb") as file:
    file.write(zlib.compress(data))
