"""Writes sheets.json: what numpy makes of the values in sheet_test.go, as brightness from 0 to
255 of each cell, [tile][patch][row][column][R, G, B], and the tiles' order.

    python3 sheets.py
"""
import json
import os

import numpy as np


def values(*shape):
    n = int(np.prod(shape))
    i = np.arange(n, dtype=np.int64)
    return (((i * i * 37 + i * 11) % 64 - 24) / 8).astype(np.float32).reshape(shape)


def brightness(tiles, signed, each):
    """tiles is [tile, patch, row, column, colour]."""
    x = tiles.astype(np.float64)
    largest = np.abs(x).max(axis=(1, 2, 3, 4), keepdims=True) if each else np.abs(x).max()
    x = x / np.where(largest == 0, 1, largest)
    x = (x + 1) / 2 if signed else x
    x = np.floor(255 * x + 0.5).astype(int)
    return np.broadcast_to(x, x.shape[:4] + (3,))


def filters(shape, each):
    w = values(*shape)  # height, width, in, out
    if shape[2] == 3:
        tiles = w.transpose(3, 0, 1, 2)[:, None]
    else:
        tiles = w.transpose(3, 2, 0, 1)[..., None]
    return {"tiles": brightness(tiles, True, each).tolist(), "order": list(range(shape[3]))}


def activations(shape, each, by_mean, relu):
    x = values(*shape)
    if relu:
        x = np.maximum(x, 0)
        x[..., 1] = 0
    mean = x.astype(np.float64).mean(axis=(0, 1))
    order = np.argsort(-mean, kind="stable") if by_mean else np.arange(shape[2])
    tiles = x.transpose(2, 0, 1)[order][:, None, :, :, None]
    return {
        "tiles": brightness(tiles, not relu, each).tolist(),
        "order": order.tolist(),
        "mean": mean[order].tolist(),
        "largest": np.abs(x).max(axis=(0, 1))[order].astype(float).tolist(),
    }


with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "sheets.json"), "w") as f:
    json.dump({
        "filters of images": filters((3, 2, 3, 9), False),
        "filters of images, each": filters((3, 2, 3, 9), True),
        "inner filters": filters((2, 3, 5, 4), False),
        "activations": activations((4, 3, 7), False, False, False),
        "activations after ReLU, by mean": activations((4, 3, 7), False, True, True),
        "activations after ReLU, each": activations((4, 3, 7), True, True, True),
    }, f, separators=(",", ":"))
    f.write("\n")
