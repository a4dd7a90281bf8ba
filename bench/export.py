"""Writes one of timm's networks, with random weights, for the peers:

    python3 export.py NETWORK FOLDER [SIZE]

FOLDER/NETWORK.onnx is for ONNX Runtime, FOLDER/NETWORK.pt for PyTorch, and
FOLDER/NETWORK.train.pt for PyTorch's training.
"""

import pathlib
import sys

import timm
import torch


def main(network, folder, size=299):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    model = timm.create_model(network).eval()
    images = torch.zeros(1, 3, int(size), int(size))
    with torch.no_grad():
        torch.jit.trace(model, images).save(str(folder / f"{network}.pt"))
    training = timm.create_model(network).train()
    torch.jit.trace(training, images.repeat(2, 1, 1, 1), check_trace=False).save(str(folder / f"{network}.train.pt"))
    torch.onnx.export(
        model,
        images,
        str(folder / f"{network}.onnx"),
        input_names=["images"],
        output_names=["logits"],
        dynamic_axes={"images": {0: "batch"}, "logits": {0: "batch"}},
    )


main(*sys.argv[1:])
