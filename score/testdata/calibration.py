"""Writes calibration.json: logits and labels, and what numpy, SciPy 1.17 and scikit-learn 1.9
make of them: calibration errors and bins, Brier score, negative log-likelihood, and the
temperature that minimises it.

    python3 calibration.py
"""
import json
import os

import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.special import log_softmax
from sklearn.calibration import _TemperatureScaling
from sklearn.metrics import brier_score_loss, log_loss

here = os.path.dirname(os.path.abspath(__file__))
random = np.random.default_rng(7)
BINS = 15


def measured(logits, labels, temperature):
    p = np.exp(log_softmax(logits / temperature, axis=1))
    classes = np.arange(p.shape[1])
    confidence, right = p.max(1), p.argmax(1) == labels
    ece, mce, bins = 0.0, 0.0, []
    for i in range(BINS):
        inside = (confidence > i / BINS) & (confidence <= (i + 1) / BINS)
        n = int(inside.sum())
        mean, accuracy = (float(confidence[inside].mean()), float(right[inside].mean())) if n else (0.0, 0.0)
        bins.append({"images": n, "confidence": mean, "accuracy": accuracy})
        ece += n / len(p) * abs(accuracy - mean)
        mce = max(mce, abs(accuracy - mean))
    return {
        "temperature": temperature, "ece": float(ece), "mce": float(mce), "bins": bins,
        "brier": float(brier_score_loss(labels, p, labels=classes, scale_by_half=False)),
        "nll": float(log_loss(labels, p, labels=classes)),
    }


def fitted(logits, labels):
    def nll(t):
        return -log_softmax(logits / t, axis=1)[np.arange(len(labels)), labels].mean()

    def slope(t):  # of nll in 1/t
        p = np.exp(log_softmax(logits / t, axis=1))
        return ((p * logits).sum(1) - logits[np.arange(len(labels)), labels]).mean()

    t = float(brentq(slope, 1e-2, 1e2, xtol=1e-14, rtol=1e-14))
    assert abs(t / minimize_scalar(nll, bracket=(0.5 * t, 2 * t), tol=1e-12).x - 1) < 1e-6
    by_sklearn = 1 / _TemperatureScaling().fit(logits, labels).beta_
    assert abs(t / by_sklearn - 1) < 1e-3, (t, by_sklearn)
    return t


cases = []
for name, images, classes, true in (("overconfident", 250, 10, 2.5), ("underconfident", 150, 3, 0.4), ("many classes", 50, 80, 1.7)):
    # Labels are drawn by probabilities of another temperature than that of the logits.
    logits = np.round(random.normal(0, 3, (images, classes)), 3).astype(np.float32).astype(np.float64)
    p = np.exp(log_softmax(logits / true, axis=1))
    labels = np.array([random.choice(classes, p=row) for row in p])
    before = measured(logits, labels, 1.0)
    after = measured(logits, labels, fitted(logits, labels))
    cases.append({"name": name, "labels": labels.tolist(), "logits": logits.round(3).tolist(), "before": before, "after": after})
with open(os.path.join(here, "calibration.json"), "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n")
