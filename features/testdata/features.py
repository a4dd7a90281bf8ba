"""Writes features.npy and spatial.npy, which features.Write is compared with: numpy.save's own."""

import pathlib

import numpy

folder = pathlib.Path(__file__).parent
numpy.save(folder / "features.npy", numpy.array([[0.5, -1.25, 3e-9], [1, 0, -2]], "<f4"))
numpy.save(folder / "spatial.npy", numpy.arange(12, dtype="<f4").reshape(1, 2, 2, 3))
