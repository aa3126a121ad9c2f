"""What the training rows looked like, kept as `reference.json` so that later traffic can be held against it.

The shares feed a population stability index: the sum over bins of (now - then) * ln(now / then).
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from helpers.canonical import canonical_json
from modeling.encoding import Codes
from modeling.schema import Feature, TableSchema

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

SCORE_EDGES = [round(0.05 * i, 2) for i in range(1, 20)]


def reference(schema: TableSchema, x: Floats, scores: Doubles) -> bytes:
    """Shares of each feature's values in the training rows `x` (N, F), and of the held-out rows' `scores` (M,).

    Numbers (dates as days before the schema's reference date) have inner `edges` and the `shares` between
    them, a value on an edge counted above it; categories have a share each, `other` and `missing` beside them.
    The shares of a feature sum to 1.
    """
    features = {feature.name: _described(feature, x[:, i]) for i, feature in enumerate(schema.features)}
    score = {"edges": SCORE_EDGES, "shares": _shares(scores, SCORE_EDGES, len(scores)), "mean": float(scores.mean())}
    return canonical_json({"rows": len(x), "features": features, "score": score})


def _described(feature: Feature, column: Floats) -> dict[str, Any]:
    if feature.kind == "category":
        return _categories(feature, column)
    filled = column[~np.isnan(column)].astype(np.float64)
    missing = 1 - len(filled) / len(column)
    inner = np.unique(np.quantile(filled, np.arange(1, 10) / 10)) if len(filled) else np.zeros(0)
    edges = [1.0] if feature.kind == "boolean" else inner[inner > filled.min()].tolist() if len(filled) else []
    return {"kind": feature.kind, "missing": missing, "edges": edges, "shares": _shares(filled, edges, len(column))}


def _categories(feature: Feature, column: Floats) -> dict[str, Any]:
    codes = Codes(feature)
    shares = {name: float((column == codes[name]).mean()) for name in feature.categories}
    missing = float((column == codes.gap).mean()) if feature.nullable else 0.0
    other = max(0.0, 1 - missing - sum(shares.values()))
    return {"kind": feature.kind, "missing": missing, "other": other, "shares": shares}


def _shares(values: Doubles, edges: list[float], total: int) -> list[float]:
    places = np.searchsorted(np.array(edges), values, side="right")
    counts = np.bincount(places, minlength=len(edges) + 1).tolist()
    return [count / total for count in counts]
