"""Writes the .npz files of this folder with numpy: python3 make.py

The elements of every array of numbers are, in row-major order, 0.5*i - 3; of whole
numbers, i.
"""

import io
import zipfile

import numpy as np


def ramp(shape, dtype, order="C"):
    n = int(np.prod(shape, dtype=np.int64))
    values = np.arange(n) if np.dtype(dtype).kind in "iub" else np.arange(n) * 0.5 - 3
    return np.asarray(values.reshape(shape).astype(dtype), order=order)


arrays = {
    "scope/Conv2d_1a_3x3/weights": ramp((3, 2, 4, 5), "<f4"),
    "half": ramp((7, 3), "<f2"),
    "double": ramp((7, 3), "<f8"),
    "big/half": ramp((7, 3), ">f2"),
    "big/single": ramp((7, 3), ">f4"),
    "big/double": ramp((7, 3), ">f8"),
    "columns/single": ramp((3, 2, 4, 5), "<f4", "F"),
    "columns/double": ramp((30, 100, 3), ">f8", "F"),
    "row": ramp((6,), "<f4"),
    "scalar": np.float32(-3),
    "empty": ramp((0, 3), "<f4"),
    "counter": ramp((2,), "<i8"),
    "bytes": ramp((2,), "|u1"),
    "flags": ramp((2,), "|b1"),
    "names": np.array(["a", "bc"]),
    "inception.note": np.array("gr\u00fc\u00dfe \U0001f600"),
    "inception.big": np.array("big").astype(">U3"),
    "inception.none": np.array(""),
    "inception.bytes": np.array("plain".encode()),
}
np.savez("stored.npz", **arrays)
np.savez_compressed("deflated.npz", **arrays)
np.savez("objects.npz", good=ramp((2,), "<f4"), bad=np.array([{}, None], dtype=object))
np.savez("records.npz", bad=np.zeros(2, dtype=[("x", "<f4"), ("y", "<i4")]))

with zipfile.ZipFile("versions.npz", "w") as z:
    for version in (1, 2, 3):
        data = io.BytesIO()
        np.lib.format.write_array(data, ramp((2, 3), "<f4"), version=(version, 0))
        z.writestr(f"version{version}.npy", data.getvalue())
