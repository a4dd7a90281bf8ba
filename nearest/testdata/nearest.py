# Writes nearest.json: vectors, queries, and what an exact search by numpy in float64 finds.
#
#   pip install numpy==2.4.6 && python nearest.py
import json

import numpy as np

random = np.random.default_rng(1)
vectors = np.round(random.normal(size=(300, 19)) * 16) / 16
vectors[7] = 0
vectors[250] = vectors[40]  # as near as the one before it
queries = np.round(random.normal(size=(5, 19)) * 16) / 16
queries[4] = vectors[40]
most = 12


def best(values):
    order = np.argsort(values, kind="stable")[:most]
    return order.tolist()


expected = []
for q in queries:
    length = np.sqrt((vectors * vectors).sum(axis=1)) * np.sqrt((q * q).sum())
    cosine = np.divide((vectors * q).sum(axis=1), length, out=np.zeros(len(vectors)), where=length > 0)
    distance = np.sqrt(((vectors - q) ** 2).sum(axis=1))
    c, d = best(-cosine), best(distance)
    expected.append({"cosine": {"rows": c, "values": cosine[c].tolist()}, "euclidean": {"rows": d, "values": distance[d].tolist()}})

unit = vectors / np.maximum(np.sqrt((vectors * vectors).sum(axis=1, keepdims=True)), 1e-30)
near = unit @ unit.T
pairs = [[int(a), int(b)] for a, b in zip(*np.nonzero(near >= 0.6)) if a < b]
with open("nearest.json", "w") as f:
    json.dump({"vectors": vectors.tolist(), "queries": queries.tolist(), "expected": expected, "pairs_from_0.6": pairs}, f)
