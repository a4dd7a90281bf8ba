"""kserve's InferenceRESTClient and InferenceGRPCClient: versions 1 and 2 of the protocol, health, and what is refused."""
import asyncio
import base64
import os
import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig

model, photo = os.environ["MODEL"], open(os.environ["PHOTO"], "rb").read()
url = "http://" + os.environ["HTTP"]


def files(n):
    i = InferInput("images", [n], "BYTES")
    i.set_data_from_numpy(np.array([photo] * n, dtype=object), binary_data=True)
    return i


def tensor(n, size, binary=True):
    x = np.linspace(-1, 1, n * size * size * 3, dtype=np.float32).reshape(n, size, size, 3)
    i = InferInput("images", list(x.shape), "FP32")
    i.set_data_from_numpy(x, binary_data=binary)
    return i


async def rest():
    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    assert await client.is_server_live(url) and await client.is_server_ready(url) and await client.is_model_ready(url, model)
    r = await client.infer(url, InferRequest(model, [files(2)], request_id="seven"), model_name=model)
    p = r.outputs[0].as_numpy()
    assert r.id == "seven" and r.outputs[0].name == "probabilities" and p.shape[0] == 2 and abs(p[0].sum() - 1) < 1e-5
    size = int(os.environ["SIZE"])
    a, b = [(await client.infer(url, InferRequest(model, [tensor(2, size, binary)]), model_name=model)).outputs[0].as_numpy() for binary in (True, False)]
    assert np.allclose(a, b, atol=1e-5)
    first = InferenceRESTClient(RESTConfig(protocol="v1"))
    v1 = await first.infer(url, {"instances": [{"b64": base64.b64encode(photo).decode()}]}, model_name=model)
    assert np.allclose(v1["predictions"][0], p[0], atol=1e-4)
    try:
        await client.infer(url, InferRequest("nothing", [files(1)]), model_name="nothing")
        raise AssertionError("another model was not refused")
    except Exception as e:
        assert "404" in str(e), e
        print("  refused another model:", e)
    return p


async def grpc(want):
    client = InferenceGRPCClient(os.environ["GRPC"])
    assert await client.is_server_live() and await client.is_server_ready() and await client.is_model_ready(model)
    i = InferInput("images", [1], "BYTES")
    i.set_data_from_numpy(np.array([photo], dtype=object), binary_data=True)
    r = await client.infer(InferRequest(model, [i], request_id="7"))
    assert r.id == "7" and np.allclose(np.asarray(r.outputs[0].as_numpy()).ravel(), want[0], atol=1e-4)
    try:
        await client.infer(InferRequest("nothing", [i]))
        raise AssertionError("another model was not refused")
    except Exception as e:
        assert "nothing" in str(e), e
        print("  refused another model:", str(e).splitlines()[0])


asyncio.run(grpc(asyncio.run(rest())))
print("kserve: all held")
