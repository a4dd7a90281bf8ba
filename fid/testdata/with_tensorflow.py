"""Writes tensorflow.json: what TensorFlow 2.21's resize_bilinear makes of the picture of
fid_test.go, less 128, divided by 128.

    python3 with_tensorflow.py
"""
import json
import os

import numpy as np
import tensorflow as tf

y, x, c = np.meshgrid(np.arange(23), np.arange(37), np.arange(3), indexing="ij")
picture = ((x * 7 + y * 5 + c * 31 + x * y) % 256).astype(np.float32)
resized = tf.compat.v1.image.resize_bilinear(picture[None], (299, 299), align_corners=False)[0].numpy()
values = (resized - 128) / 128
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "tensorflow.json"), "w") as f:
    json.dump([round(float(v), 7) for v in values[::41, ::43].ravel()], f)
    f.write("\n")
