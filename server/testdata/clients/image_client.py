"""The calls of Triton's example image_client.py with -s INCEPTION -c 3, over HTTP and gRPC, with and without -a and
--streaming, in its order: metadata, configuration, what these have to say, scaling to [-1, 1], a batch, classes."""
import os
import queue
import numpy as np
from PIL import Image
import tritonclient.grpc as grpc
import tritonclient.grpc.model_config_pb2 as mc
import tritonclient.http as http
from tritonclient.utils import triton_to_np_dtype


class Attributes(dict):
    """The example reads JSON as it does messages."""
    __getattr__ = dict.__getitem__


def attributes(v):
    if isinstance(v, dict):
        return Attributes({k: attributes(x) for k, x in v.items()})
    return [attributes(x) for x in v] if isinstance(v, list) else v


def parse_model(metadata, config):
    assert len(metadata.inputs) == 1 and len(config.input) == 1 and len(metadata.outputs) == 1, "it is for models of one input and one output"
    output, batch = metadata.outputs[0], config.max_batch_size
    assert output.datatype == "FP32", output
    # But for the batch there may be one dimension that is not 1.
    assert sum(d > 1 for d in output.shape[1:]) == 1, output
    shape = metadata.inputs[0].shape
    assert len(shape) == (4 if batch > 0 else 3), shape
    layout = config.input[0].format
    if isinstance(layout, str):
        layout = mc.ModelInput.Format.Value(layout)
    assert layout in (mc.ModelInput.FORMAT_NHWC, mc.ModelInput.FORMAT_NCHW), layout
    h, w, c = shape[1:] if layout == mc.ModelInput.FORMAT_NHWC else (shape[2], shape[3], shape[1])
    return batch, metadata.inputs[0].name, output.name, c, h, w, layout, metadata.inputs[0].datatype


def preprocess(image, layout, datatype, c, h, w):
    x = np.array(image.convert("RGB" if c == 3 else "L").resize((w, h), Image.BILINEAR)).astype(triton_to_np_dtype(datatype))
    x = x / 127.5 - 1
    x = x.astype(triton_to_np_dtype(datatype))
    return x if layout == mc.ModelInput.FORMAT_NHWC else x.transpose(2, 0, 1)


def run(name, module, address, model, streaming=False, asynchronous=False, batch=2):
    client = module.InferenceServerClient(url=address, verbose=False)
    metadata = client.get_model_metadata(model_name=model, model_version="")
    config = client.get_model_config(model_name=model, model_version="")
    metadata, config = (attributes(metadata), attributes(config)) if module is http else (metadata, config.config)
    most, input_name, output_name, c, h, w, layout, datatype = parse_model(metadata, config)
    assert batch <= most
    image = preprocess(Image.open(os.environ["PHOTO"]), layout, datatype, c, h, w)
    data = np.stack([image] * batch, axis=0)
    inputs = [module.InferInput(input_name, data.shape, datatype)]
    inputs[0].set_data_from_numpy(data)
    outputs = [module.InferRequestedOutput(output_name, class_count=3)]
    if streaming:
        answers = queue.Queue()
        client.start_stream(lambda result, error: answers.put((result, error)))
        client.async_stream_infer(model, inputs, request_id="1", model_version="", outputs=outputs)
        result, error = answers.get(timeout=30)
        assert error is None, error
        client.stop_stream()
    elif asynchronous and module is http:
        result = client.async_infer(model, inputs, request_id="1", model_version="", outputs=outputs).get_result()
    elif asynchronous:
        answers = queue.Queue()
        client.async_infer(model, inputs, lambda result, error: answers.put((result, error)), request_id="1", model_version="", outputs=outputs)
        result, error = answers.get(timeout=30)
        assert error is None, error
    else:
        result = client.infer(model, inputs, request_id="1", model_version="", outputs=outputs)
    classes = result.as_numpy(output_name)
    assert len(classes) == batch, classes
    for one in classes:
        assert len(one) == 3
        lines = []
        for r in one:
            value, index, label = r.decode("utf-8").split(":")
            lines.append(f"    {float(value):f} ({int(index)}) = {label}")
    print(f"  {name}:", *lines, sep="\n")
    return [r.decode() for r in classes[0]]


model = os.environ["MODEL"]
want = run("HTTP", http, os.environ["HTTP"], model)
for name, module, address, options in (
    ("HTTP, -a", http, os.environ["HTTP"], {"asynchronous": True}),
    ("gRPC", grpc, os.environ["GRPC"], {}),
    ("gRPC, -a", grpc, os.environ["GRPC"], {"asynchronous": True}),
    ("gRPC, --streaming", grpc, os.environ["GRPC"], {"streaming": True}),
):
    got = run(name, module, address, model, **options)
    assert [g.split(":")[1:] for g in got] == [x.split(":")[1:] for x in want], (got, want)
print("image_client -s INCEPTION -c 3: all held")
