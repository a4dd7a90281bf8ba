"""Measures PyTorch on an exported network and prints the result as JSON:

    python3 pytorch.py MODEL.pt BATCH SIZE THREADS RUNS

Without arguments it prints the version alone.
"""

import json
import sys
import time

try:
    import torch
except ImportError as err:
    sys.exit(str(err))

WARM_UP = 3  # TorchScript's first run records shapes, its second compiles for them


def measure(path, batch, size, threads, runs):
    torch.set_num_threads(threads)
    torch.set_num_interop_threads(1)
    channels_last = torch.channels_last
    model = torch.jit.load(path, map_location="cpu").eval().to(memory_format=channels_last)
    model = torch.jit.freeze(model)  # batch normalisation becomes part of the convolutions
    images = 2 * torch.rand(batch, 3, size, size) - 1
    images = images.contiguous(memory_format=channels_last)
    seconds = []
    with torch.inference_mode():
        for i in range(WARM_UP + runs):
            start = time.perf_counter()
            model(images)
            if i >= WARM_UP:
                seconds.append(time.perf_counter() - start)
    seconds.sort()
    return {
        "batch": batch,
        "threads": torch.get_num_threads(),
        "images_per_second": batch / seconds[runs // 2],
    }


def main(model=None, *numbers):
    result = measure(model, *map(int, numbers)) if model else {}
    print(json.dumps([{"version": torch.__version__, **result}]))


main(*sys.argv[1:])
