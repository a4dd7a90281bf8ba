"""Measures a network of timm in PyTorch on a GPU, channels last:

    python3 torch_gpu.py NETWORK BATCH infer|train f32|bf16 [eager]

f32 lets convolutions and products use TF32; bf16 is torch.autocast in training, and weights of
bfloat16 in inference. A step of training copies its images from ordinary memory, as that of
`inception bench --train` does, and keeps averages of the parameters. What is not eager is
compiled by torch.compile, whose time is told.
"""

import sys
import time

import timm
import torch

RUNS = 5


def training(model, host, dtype):
    parameters = [p for p in model.parameters() if p.requires_grad]
    averages = [p.detach().clone() for p in parameters]
    optimizer = torch.optim.RMSprop(parameters, lr=1e-3, alpha=0.9, eps=1.0, momentum=0.9, weight_decay=4e-5)
    labels = torch.arange(len(host), device="cuda") % 1000

    def run():
        images = host.cuda(non_blocking=True)
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cuda", torch.bfloat16, enabled=dtype == "bf16"):
            logits = model(images)
        torch.nn.functional.cross_entropy(logits.float(), labels, label_smoothing=0.1).backward()
        optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(averages, [p.detach() for p in parameters], 1e-4)

    return run


def main(network, batch, mode, dtype, how="compiled"):
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    model = timm.create_model(network, num_classes=1000).cuda().to(memory_format=torch.channels_last)
    host = 2 * torch.rand(int(batch), 3, 299, 299) - 1
    host = host.contiguous(memory_format=torch.channels_last).pin_memory()
    model.train(mode == "train")
    if mode == "train":
        run = training(model if how == "eager" else torch.compile(model), host, dtype)
    else:
        images = host.cuda()
        if dtype == "bf16":
            model, images = model.bfloat16(), images.bfloat16()
        compiled = model if how == "eager" else torch.compile(model, mode="max-autotune-no-cudagraphs")

        def run():
            with torch.inference_mode():
                compiled(images)

    begin = time.perf_counter()
    for _ in range(3):
        run()
    torch.cuda.synchronize()
    prepared = time.perf_counter() - begin
    rates = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        run()
        torch.cuda.synchronize()
        rates.append(int(batch) / (time.perf_counter() - begin))
    rates.sort()
    print(
        f"torch {torch.__version__} {network} {mode} {dtype} {how}, batch {batch}: "
        f"{rates[RUNS // 2]:.1f} images/s ({rates[0]:.1f} to {rates[-1]:.1f}), "
        f"first three runs {prepared:.1f} s, memory {torch.cuda.max_memory_allocated() / 2**20:.0f} MiB",
        flush=True,
    )


main(*sys.argv[1:])
