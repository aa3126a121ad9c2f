"""Rows of today counted into the bins of `reference.json`; see `modeling.reference` for these."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from modeling.encoding import Codes, Encoder
from modeling.schema import Feature, TableSchema

Column = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Binned:
    """Rows by bin: those of training, `before`, and those of `now`; `labels` say what is in a bin."""

    name: str
    kind: str
    labels: Sequence[str]
    before: Sequence[float]
    now: Sequence[float]


def features_binned(schema: TableSchema, reference: bytes, rows: Sequence[Mapping[str, Any]]) -> list[Binned]:
    """Every feature that the reference describes, in the order of the schema; `rows` hold a customer's values each.

    Rows that the schema cannot read, as of a model of other features, are left out.
    """
    told = orjson.loads(reference)
    if not told.get("features") or not rows:
        return []
    x = _encoded(Encoder(schema), rows)
    found = zip(schema.features, x.T, strict=True)
    return [_binned(each, column, told) for each, column in found if each.name in told["features"]]


def scores_binned(reference: bytes, scores: Sequence[float]) -> Binned | None:
    """The scores, beside those of held-out rows; None where the reference has none."""
    told = orjson.loads(reference)
    if "score" not in told or not scores:
        return None
    edges = told["score"]["edges"]
    before = [share * told["rows"] for share in told["score"]["shares"]]
    return Binned("score", "number", _ranges(edges), before, _places(np.asarray(scores, "f8"), edges))


def _encoded(encoder: Encoder, rows: Sequence[Mapping[str, Any]]) -> npt.NDArray[np.float32]:
    try:
        return encoder.encode_many(list(rows))
    except (TypeError, ValueError):
        return encoder.encode_many([row for row in rows if _readable(encoder, row)])


def _readable(encoder: Encoder, row: Mapping[str, Any]) -> bool:
    try:
        encoder.encode(row)
    except (TypeError, ValueError):
        return False
    return True


def _binned(feature: Feature, column: Column, told: Mapping[str, Any]) -> Binned:
    its, rows = told["features"][feature.name], told["rows"]
    if feature.kind == "category":
        return _categories(feature, column, its, rows)
    filled = column[~np.isnan(column)].astype(np.float64)
    labels = ["no", "yes"] if feature.kind == "boolean" else _ranges(its["edges"])
    before = [rows * share for share in (*its["shares"], its["missing"])]
    now = [*_places(filled, its["edges"]), float(len(column) - len(filled))]
    return Binned(feature.name, feature.kind, [*labels, "missing"], before, now)


def _categories(feature: Feature, column: Column, its: Mapping[str, Any], rows: int) -> Binned:
    codes = Codes(feature)
    names = list(its["shares"])
    known = [float((column == codes[name]).sum()) for name in names]
    missing = float((column == codes.gap).sum()) if feature.nullable else 0.0
    before = [rows * share for share in (*its["shares"].values(), its["other"], its["missing"])]
    now = [*known, len(column) - sum(known) - missing, missing]
    return Binned(feature.name, feature.kind, [*names, "other", "missing"], before, now)


def _places(values: npt.NDArray[np.float64], edges: Sequence[float]) -> list[float]:
    """As the reference counts: a value on an edge is above it."""
    places = np.searchsorted(np.asarray(edges), values, side="right")
    counts: list[float] = np.bincount(places, minlength=len(edges) + 1).astype(float).tolist()
    return counts


def _ranges(edges: Sequence[float]) -> list[str]:
    if not edges:
        return ["any"]
    inner = [f"{low:g} to {high:g}" for low, high in pairwise(edges)]
    return [f"below {edges[0]:g}", *inner, f"{edges[-1]:g} and more"]
