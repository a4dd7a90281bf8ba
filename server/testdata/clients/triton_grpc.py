"""tritonclient.grpc: tensors, pictures, classes, async, streams, gzip, deadlines, cancelling, and what is refused."""
import os
import queue
import numpy as np
import tritonclient.grpc as grpc
from tritonclient.utils import InferenceServerException

model, photo = os.environ["MODEL"], open(os.environ["PHOTO"], "rb").read()
client = grpc.InferenceServerClient(os.environ["GRPC"])
assert client.is_server_live() and client.is_server_ready() and client.is_model_ready(model)
assert client.get_server_metadata().name == "inception"
metadata, config = client.get_model_metadata(model), client.get_model_config(model).config
size = metadata.inputs[0].shape[1]
assert config.input[0].format == 1 and list(config.input[0].dims) == [size, size, 3] and config.max_batch_size > 1, config
names = [o.name for o in metadata.outputs]
assert names == ["probabilities"], names


def files(n):
    i = grpc.InferInput("images", [n], "BYTES")
    i.set_data_from_numpy(np.array([photo] * n, dtype=object))
    return i


def tensor(n):
    x = np.linspace(-1, 1, n * size * size * 3, dtype=np.float32).reshape(n, size, size, 3)
    i = grpc.InferInput("images", list(x.shape), "FP32")
    i.set_data_from_numpy(x)
    return i


def refused(what, call, code):
    try:
        call()
    except InferenceServerException as e:
        assert code in str(e.status()), f"{what}: {e.status()}, expected {code}: {e.message()}"
        print(f"  refused {what}: {e.status()} {e.message()}")
        return
    raise AssertionError(f"{what} was not refused")


outputs = [grpc.InferRequestedOutput(n) for n in ("features", "probabilities")]
r = client.infer(model, [files(2)], outputs=outputs, request_id="seven", priority=1, timeout=10_000_000)
p = r.as_numpy("probabilities")
assert r.get_response().id == "seven" and p.shape[0] == 2 and abs(p[1].sum() - 1) < 1e-5 and r.as_numpy("logits") is None
logits = [grpc.InferRequestedOutput("logits")]
a = client.infer(model, [tensor(3)], outputs=logits).as_numpy("logits")
b = client.infer(model, [tensor(3)], outputs=logits, compression_algorithm="gzip").as_numpy("logits")
assert a.shape[0] == 3 and np.allclose(a, b, atol=1e-4)

top = client.infer(model, [files(1)], outputs=[grpc.InferRequestedOutput("probabilities", class_count=3)]).as_numpy("probabilities")
assert top.shape == (1, 3) and int(top[0][0].decode().split(":")[1]) == int(p[0].argmax()), top

# Calls at a time, by callback.
answers = queue.Queue()
for i in range(12):
    client.async_infer(model, [files(1)], lambda result, error: answers.put((result, error)), request_id=str(i))
ids = set()
for _ in range(12):
    result, error = answers.get(timeout=30)
    assert error is None, error
    ids.add(result.get_response().id)
assert ids == {str(i) for i in range(12)}

# A stream goes on after a request that is wrong, and answers in order.
client.start_stream(lambda result, error: answers.put((result, error)))
wrong = grpc.InferInput("images", [1], "BYTES")
wrong.set_data_from_numpy(np.array([b"no picture"], dtype=object))
for i in range(12):
    client.async_stream_infer(model, [wrong if i == 3 else files(1)], request_id=str(i), enable_empty_final_response=True)
for i in range(12):
    result, error = answers.get(timeout=30)
    if i == 3:
        assert "image 0 of 1" in str(error), error
        continue
    assert error is None and result.get_response().id == str(i), (i, error)
    assert result.get_response().parameters["triton_final_response"].bool_param
client.stop_stream()

# A call that is cancelled.
call = client.async_infer(model, [tensor(8)], lambda result, error: answers.put((result, error)))
call.cancel()
result, error = answers.get(timeout=30)
assert error is None or "cancel" in str(error).lower(), error

stats = client.get_inference_statistics(model).model_stats[0]
assert stats.inference_stats.success.count >= 28 and stats.execution_count > 0, stats
assert any(m.name == model and m.state == "READY" for m in client.get_model_repository_index().models)
client.unload_model(model)
assert not client.is_model_ready(model)
client.load_model(model)
assert client.is_model_ready(model)

refused("shared memory", lambda: client.register_system_shared_memory("r", "/r", 100), "UNIMPLEMENTED")
refused("CUDA shared memory", lambda: client.register_cuda_shared_memory("r", b"aaaa", 0, 100), "UNIMPLEMENTED")
refused("unregistering", lambda: client.unregister_system_shared_memory(), "UNIMPLEMENTED")
region = grpc.InferInput("images", [1, size, size, 3], "FP32")
region.set_shared_memory("r", 100)
refused("a tensor in shared memory", lambda: client.infer(model, [region]), "UNIMPLEMENTED")
refused("trace settings", lambda: client.get_trace_settings(), "UNIMPLEMENTED")
refused("log settings", lambda: client.get_log_settings(), "UNIMPLEMENTED")
refused("another model", lambda: client.infer("nothing", [files(1)]), "NOT_FOUND")
refused("another version", lambda: client.infer(model, [files(1)], model_version="9"), "NOT_FOUND")
refused("what is no picture", lambda: client.infer(model, [wrong]), "INVALID_ARGUMENT")
refused("a deadline", lambda: client.infer(model, [tensor(8)], client_timeout=0.0001), "DEADLINE_EXCEEDED")
refused("a timeout", lambda: client.infer(model, [tensor(8)], timeout=1), "DEADLINE_EXCEEDED")
print("tritonclient over gRPC: all held")
