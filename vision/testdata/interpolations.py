"""What Pillow resizes a picture to with each of its filters: interpolations.py (written by
Pillow 13.0.0)."""
import json, os, numpy as np
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
out = []
for w, h, to in ((11, 9, (5, 4)), (7, 6, (12, 10)), (16, 12, (3, 9)), (5, 5, (5, 3)), (6, 10, (9, 10)), (23, 8, (10, 8)), (3, 2, (7, 5))):
    y, x, c = np.mgrid[0:h, 0:w, 0:3]
    picture = Image.fromarray(((x * 37 + y * 101 + c * 59) ^ (x * y * (c + 1))).astype(np.uint8))
    for name in ('bicubic', 'bilinear', 'nearest', 'box', 'hamming', 'lanczos'):
        resized = picture.resize(to, getattr(Image.Resampling, name.upper()))
        out.append({'from': [w, h], 'to': list(to), 'interpolation': name, 'pixels': resized.tobytes().hex()})
with open(os.path.join(HERE, 'interpolations.json'), 'w') as f:
    f.write('[\n' + ',\n'.join(json.dumps(c) for c in out) + '\n]\n')
