"""Checks exported models with onnx and runs them with ONNX Runtime.

Usage: run.py MODEL.onnx...

MODEL.onnx.in has four images: float32 as height, width, channels, or bytes where the model
takes those. The outputs, of the first image by itself and of the other three together, go
into MODEL.onnx.out.
"""

import sys

import numpy as np
import onnx
import onnxruntime

for path in sys.argv[1:]:
    onnx.checker.check_model(path, full_check=True)
    model = onnx.load(path, load_external_data=False)
    assert model.ir_version == 8, model.ir_version
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 17)], model.opset_import
    image = model.graph.input[0]
    assert image.type.tensor_type.shape.dim[0].dim_param == "batch", image
    transposes = sum(node.op_type == "Transpose" for node in model.graph.node)
    assert transposes == (image.name == "pixels"), transposes

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    [taken] = session.get_inputs()
    if taken.name == "pixels":
        images = np.fromfile(path + ".in", np.uint8).reshape(-1, *taken.shape[1:])
    else:
        side = taken.shape[2]
        images = np.fromfile(path + ".in", np.float32).reshape(-1, side, side, 3)
        images = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    [first] = session.run(None, {taken.name: images[:1]})
    [others] = session.run(None, {taken.name: images[1:]})
    out = np.concatenate([first, others])
    assert out.shape == (len(images), session.get_outputs()[0].shape[1]), out.shape
    out.tofile(path + ".out")
