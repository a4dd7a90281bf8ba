"""Writes expected.json: what pytorch-fid 0.3.0, clean-fid 0.1.35, PyTorch and Pillow make of
the features and the picture that fid_test.go makes, and statistics.npz by numpy.

    python3 expected.py
"""
import json
import os

import numpy as np
import torch
from cleanfid.fid import kernel_distance
from cleanfid.resize import build_resizer
from pytorch_fid.fid_score import calculate_frechet_distance

here = os.path.dirname(os.path.abspath(__file__))


def features(seed, rows, columns, shift):
    """Uniform numbers by a linear congruential generator, mixed so that they correlate."""
    state, values = seed, []
    for _ in range(rows * columns):
        state = (state * 1664525 + 1013904223) % 2**32
        values.append(state / 2**32)
    x = np.array(values, np.float64).reshape(rows, columns)
    return (x + 0.5 * np.roll(x, 1, axis=1) + shift * np.arange(columns) / columns).astype(np.float32)


def score(logits):
    z = logits.astype(np.float64)
    p = np.exp(z - z.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    return float(np.exp((p * (np.log(p) - np.log(p.mean(0)))).sum(1).mean()))


expected = {"pairs": []}
for name, a, b in (
    ("more pictures than features", features(1, 60, 12, 0), features(2, 40, 12, 0.3)),
    ("fewer", features(3, 10, 32, 0), features(4, 14, 32, 0.1)),
    ("the same", features(5, 30, 8, 0), features(5, 30, 8, 0)),
):
    a64, b64 = a.astype(np.float64), b.astype(np.float64)
    m = min(len(a), len(b))
    x, y = a[:m].astype(np.float64), b[:m].astype(np.float64)
    np.random.seed(0)
    expected["pairs"].append({
        "name": name,
        "fid": float(calculate_frechet_distance(a64.mean(0), np.cov(a64, rowvar=False), b64.mean(0), np.cov(b64, rowvar=False))),
        "kid_of_first": kernel_distance(x, y, num_subsets=1),
        "score": score(10 * a),
    })

y, x, c = np.meshgrid(np.arange(23), np.arange(37), np.arange(3), indexing="ij")
picture = ((x * 7 + y * 5 + c * 31 + x * y) % 256).astype(np.uint8)
expected["clean"], expected["legacy-pytorch"] = [], []
for name in ("clean", "legacy_pytorch"):
    resized = build_resizer(name)(picture).astype(np.float64) / 127.5 - 1
    # Every 41st row and 43rd column is enough.
    expected[name.replace("_", "-")] = [round(float(v), 7) for v in resized[::41, ::43].ravel()]

a = features(1, 60, 12, 0).astype(np.float64)
np.savez(os.path.join(here, "statistics.npz"), mu=a.mean(0), sigma=np.cov(a, rowvar=False))
with open(os.path.join(here, "expected.json"), "w") as f:
    json.dump(expected, f, indent="\t")
    f.write("\n")
