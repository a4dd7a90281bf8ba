"""tritonclient.http: tensors, pictures, classes, threads, gzip, raw JSON, and what is refused."""
import os
import struct
import numpy as np
import tritonclient.http as http
from tritonclient.utils import InferenceServerException

model, photo = os.environ["MODEL"], open(os.environ["PHOTO"], "rb").read()
client = http.InferenceServerClient(os.environ["HTTP"], concurrency=4)
assert client.is_server_live() and client.is_server_ready() and client.is_model_ready(model)
assert client.get_server_metadata()["name"] == "inception"
metadata, config = client.get_model_metadata(model), client.get_model_config(model)
size = metadata["inputs"][0]["shape"][1]
assert config["input"][0]["format"] == "FORMAT_NHWC" and config["input"][0]["dims"] == [size, size, 3], config
names = [o["name"] for o in metadata["outputs"]]
assert names == ["probabilities"], names


def files(n, binary=True):
    i = http.InferInput("images", [n], "BYTES")
    i.set_data_from_numpy(np.array([photo] * n, dtype=object), binary_data=binary)
    return i


def tensor(n, binary=True):
    x = np.linspace(-1, 1, n * size * size * 3, dtype=np.float32).reshape(n, size, size, 3)
    i = http.InferInput("images", list(x.shape), "FP32")
    i.set_data_from_numpy(x, binary_data=binary)
    return i


# Outputs by name, one or all, binary or JSON.
outputs = [http.InferRequestedOutput(n, binary_data=b) for n, b in (("features", True), ("probabilities", False))]
r = client.infer(model, [files(2)], outputs=outputs, request_id="seven", priority=1, timeout=10_000_000)
assert r.get_response()["id"] == "seven"
p, f = r.as_numpy("probabilities"), r.as_numpy("features")
assert p.shape[0] == f.shape[0] == 2 and abs(p[1].sum() - 1) < 1e-5 and r.as_numpy("logits") is None
everything = client.infer(model, [files(1)])
assert all(everything.as_numpy(n) is not None for n in names)

# Tensors, in bytes and in JSON, agree.
logits = [http.InferRequestedOutput("logits")]
a, b = (client.infer(model, [tensor(3, binary)], outputs=logits).as_numpy("logits") for binary in (True, False))
assert a.shape[0] == 3 and np.allclose(a, b, atol=1e-5)

# Compression both ways.
for algorithm in ("gzip", "deflate"):
    c = client.infer(model, [tensor(3)], outputs=logits, request_compression_algorithm=algorithm, response_compression_algorithm="gzip").as_numpy("logits")
    assert np.allclose(a, c, atol=1e-4)

# The classification extension: "value:index:label", the largest first.
top = client.infer(model, [files(1)], outputs=[http.InferRequestedOutput("probabilities", class_count=3)]).as_numpy("probabilities")
assert top.shape == (1, 3), top
values = [float(t.decode().split(":")[0]) for t in top[0]]
assert values == sorted(values, reverse=True) and int(top[0][0].decode().split(":")[1]) == int(p[0].argmax())

# Several at a time.
pending = [client.async_infer(model, [files(1)], request_id=str(i)) for i in range(12)]
for i, q in enumerate(pending):
    assert q.get_result().get_response()["id"] == str(i)

# Statistics and the repository.
stats = client.get_inference_statistics(model)["model_stats"][0]
assert stats["inference_stats"]["success"]["count"] >= 18 and stats["inference_count"] > 0, stats
assert {"name": model, "state": "READY"}.items() <= [m for m in client.get_model_repository_index() if m["name"] == model][0].items()
client.unload_model(model)
assert not client.is_model_ready(model)
client.load_model(model)
assert client.is_model_ready(model)


def refused(what, call):
    try:
        call()
    except InferenceServerException as e:
        print(f"  refused {what}: {e.status()} {e.message()}")
        return
    raise AssertionError(f"{what} was not refused")


refused("shared memory", lambda: client.register_system_shared_memory("r", "/r", 100))
refused("CUDA shared memory", lambda: client.register_cuda_shared_memory("r", b"aaaa", 0, 100))
refused("its status", lambda: client.get_system_shared_memory_status())
region = http.InferInput("images", [1, size, size, 3], "FP32")
region.set_shared_memory("r", 100)
refused("a tensor in shared memory", lambda: client.infer(model, [region]))
refused("trace settings", lambda: client.get_trace_settings())
refused("another model", lambda: client.infer("nothing", [files(1)]))
wrong = http.InferInput("images", [1], "BYTES")
wrong.set_data_from_numpy(np.array([b"no picture"], dtype=object))
refused("what is no picture", lambda: client.infer(model, [wrong]))
refused("an output that is not there", lambda: client.infer(model, [files(1)], outputs=[http.InferRequestedOutput("x")]))
refused("a load of a file", lambda: client.load_model(model, config="{}"))
print("tritonclient over HTTP: all held")
