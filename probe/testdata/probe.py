# Writes probe.json: features, labels, and what scikit-learn's logistic regression finds.
#
#   pip install numpy==2.4.6 scikit-learn==1.9.1 && python probe.py
import json

import numpy as np
from sklearn.linear_model import LogisticRegression

random = np.random.default_rng(1)
labels = random.integers(4, size=90)
centres = random.normal(size=(4, 11))
features = np.round((np.abs(centres[labels] + random.normal(size=(90, 11))) + 3) * 64) / 64
expected = []
for penalty in [1 / 90, 0.3]:
    fitted = LogisticRegression(C=1 / (90 * penalty), solver="newton-cholesky", tol=1e-12).fit(features, labels)
    p = fitted.predict_proba(features)
    loss = -np.log(p[np.arange(90), labels]).mean() + penalty / 2 * (fitted.coef_**2).sum()
    bias = fitted.intercept_ - fitted.intercept_.mean()
    expected.append({"penalty": penalty, "weights": fitted.coef_.T.tolist(), "bias": bias.tolist(), "loss": float(loss), "right": int((fitted.predict(features) == labels).sum())})
with open("probe.json", "w") as f:
    json.dump({"features": features.tolist(), "labels": labels.tolist(), "expected": expected}, f)
