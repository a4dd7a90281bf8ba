"""Checks exported models with onnx and runs them with ONNX Runtime.

Usage: run.py MODEL.onnx...

MODEL.onnx.in has four images: float32 as height, width, channels, or bytes where the model
takes those. The outputs, of the first image by itself and of the other three together, go
into MODEL.onnx.out.
"""

import sys

import numpy as np
import onnx
import onnx.reference
import onnxruntime

for path in sys.argv[1:]:
    onnx.checker.check_model(path, full_check=True)
    model = onnx.load(path, load_external_data=False)
    [opset] = model.opset_import
    assert (opset.domain, opset.version, model.ir_version) in [("", 17, 8), ("", 22, 10)], model
    image = model.graph.input[0]
    assert image.type.tensor_type.shape.dim[0].dim_param == "batch", image
    transposes = sum(node.op_type == "Transpose" for node in model.graph.node)
    assert transposes == (image.name == "pixels"), transposes

    if opset.version == 22:  # bfloat16, for which ONNX Runtime has no kernels on CPUs
        session = onnx.reference.ReferenceEvaluator(path)
    else:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    shape = [d.dim_value for d in image.type.tensor_type.shape.dim[1:]]
    if image.name == "pixels":
        images = np.fromfile(path + ".in", np.uint8).reshape(-1, *shape)
    else:
        side = shape[1]
        images = np.fromfile(path + ".in", np.float32).reshape(-1, side, side, 3)
        images = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    [first] = session.run(None, {image.name: images[:1]})
    [others] = session.run(None, {image.name: images[1:]})
    out = np.concatenate([first, others])
    assert out.shape == (len(images), model.graph.output[0].type.tensor_type.shape.dim[1].dim_value), out.shape
    out.astype(np.float32).tofile(path + ".out")
