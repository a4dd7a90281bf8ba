"""Measures PyTorch on an exported network and prints the result as JSON:

    python3 pytorch.py MODEL.pt BATCH SIZE THREADS RUNS [train]

With train it is a training step with RMSProp. Without arguments it prints the version
alone.
"""

import json
import resource
import sys
import time

try:
    import torch
except ImportError as err:
    sys.exit(str(err))

WARM_UP = 3  # TorchScript's first run records shapes, its second compiles for them


def inference(path, images):
    model = torch.jit.load(path, map_location="cpu").eval().to(memory_format=torch.channels_last)
    model = torch.jit.freeze(model)  # batch normalisation becomes part of the convolutions

    def run():
        with torch.inference_mode():
            model(images)

    return run


def training(path, images):
    model = torch.jit.load(path, map_location="cpu").to(memory_format=torch.channels_last)
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.RMSprop(parameters, lr=1e-3, alpha=0.9, eps=1.0, momentum=0.9)
    labels = torch.arange(len(images))

    def run():
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()

    return run


def measure(path, batch, size, threads, runs, prepare):
    torch.set_num_threads(threads)
    torch.set_num_interop_threads(1)
    images = 2 * torch.rand(batch, 3, size, size) - 1
    run = prepare(path, images.contiguous(memory_format=torch.channels_last))
    seconds = []
    for i in range(WARM_UP + runs):
        start = time.perf_counter()
        run()
        if i >= WARM_UP:
            seconds.append(time.perf_counter() - start)
    seconds.sort()
    return {
        "batch": batch,
        "threads": torch.get_num_threads(),
        "images_per_second": batch / seconds[runs // 2],
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
    }


def main(model=None, *rest):
    numbers, mode = rest[:4], rest[4:]
    result = measure(model, *map(int, numbers), training if mode else inference) if model else {}
    print(json.dumps([{"version": torch.__version__, **result}]))


main(*sys.argv[1:])
