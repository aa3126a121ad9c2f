"""Learns the rule table: a few columns, a few bins each, where the gain in likelihood pays for the cells."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modeling.encoding import Codes
from modeling.rule_cells import MOST_COLUMNS, Column
from modeling.schema import Feature

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

MOST_EDGES = 2
MOST_VALUES, QUANTILES = 100, 32


@dataclass(frozen=True, slots=True)
class Binned:
    """A column with the bin of each row, (N,)."""

    column: Column
    places: Places


def find_columns(features: tuple[Feature, ...], x: Floats, y: Doubles) -> list[Binned]:
    """Up to three columns, each added as long as it lowers the Bayesian information criterion (Schwarz, 1978)."""
    candidates = [binned for i, feature in enumerate(features) if (binned := _binned(feature, i, x[:, i], y))]
    chosen: list[Binned] = []
    cells, cost = np.zeros(len(y), np.intp), _cost(np.zeros(len(y), np.intp), y)
    while candidates and len(chosen) < MOST_COLUMNS:
        joined = [_joined(cells, candidate) for candidate in candidates]
        costs = [_cost(one, y) for one in joined]
        best = int(np.argmin(costs))
        if costs[best] >= cost:
            break
        cells, cost = joined[best], costs[best]
        chosen.append(candidates.pop(best))
    return chosen


def _joined(cells: Places, binned: Binned) -> Places:
    return np.asarray(cells * binned.column.bins + binned.places)


def _cost(cells: Places, y: Doubles) -> float:
    """Half the Bayesian information criterion of one rate a cell, in nats."""
    rows = np.bincount(cells).astype(np.float64)
    leavers = np.bincount(cells, weights=y).astype(np.float64)
    used = int((rows > 0).sum())
    return float(used * np.log(len(y)) / 2 - _likelihood(rows, leavers).sum())


def _likelihood(rows: Doubles, leavers: Doubles) -> Doubles:
    """Log-likelihood of groups of rows at their own rates."""
    stayers = rows - leavers
    shares = (np.maximum(part, 1e-12) / np.maximum(rows, 1e-12) for part in (leavers, stayers))
    left, stayed = (np.log(share) for share in shares)
    return np.asarray(leavers * left + stayers * stayed)


def _binned(feature: Feature, position: int, values: Floats, y: Doubles) -> Binned | None:
    """The column cut where it tells most, or None where no cut tells anything."""
    gap = Codes(feature).gap if feature.kind == "category" and feature.nullable else None
    gaps = np.isnan(values) if gap is None else values == gap
    edges = _edges(_possible(feature, values[~gaps]), values[~gaps], y[~gaps])
    if not edges:
        return None
    places = np.searchsorted(np.array(edges, np.float32), values, side="right")
    missing = _nearest(places[~gaps], y[~gaps], y[gaps] if gaps.any() else y)
    column = Column(feature=feature.name, position=position, edges=edges, gap=gap, missing=missing)
    return Binned(column, np.where(gaps, missing, places))


def _possible(feature: Feature, values: Floats) -> Floats:
    """Where the column may be cut: between categories, at each of a few numbers, at quantiles of many; rounded for
    the reader."""
    if feature.kind == "category":
        return np.arange(2, len(feature.categories) + 1, dtype=np.float32)
    if not len(values):
        return values
    cuts = np.unique(values)
    if len(cuts) > MOST_VALUES:
        cuts = np.quantile(values, np.linspace(0, 1, QUANTILES + 1)[1:], method="higher")
    rounded = np.array([float(f"{cut:.3g}") for cut in cuts.tolist()], np.float32)
    return np.unique(rounded[rounded > values.min()])


def _edges(possible: Floats, values: Floats, y: Doubles) -> tuple[float, ...]:
    """Edges one by one, each the one that raises the likelihood most, while it pays for its place and its rate."""
    chosen: list[float] = []
    price = np.log(max(len(y), 2))
    slots = np.searchsorted(possible, values, side="right")
    rows = np.bincount(slots, minlength=len(possible) + 1).astype(np.float64)
    leavers = np.bincount(slots, weights=y, minlength=len(possible) + 1).astype(np.float64)
    taken: list[int] = []
    for _ in range(MOST_EDGES):
        gains = [_gain(rows, leavers, sorted([*taken, cut])) for cut in range(1, len(possible) + 1)]
        best = int(np.argmax(gains)) + 1 if gains else 0
        if not gains or gains[best - 1] - _gain(rows, leavers, sorted(taken)) <= price:
            break
        taken.append(best)
        chosen.append(float(possible[best - 1]))
    return tuple(sorted(chosen))


def _gain(rows: Doubles, leavers: Doubles, cuts: list[int]) -> float:
    """Likelihood of the slots joined between the cuts."""
    starts = sorted({0, *cuts})
    return float(_likelihood(np.add.reduceat(rows, starts), np.add.reduceat(leavers, starts)).sum())


def _nearest(places: Places, y: Doubles, others: Doubles) -> int:
    """The bin whose rate is nearest to that of the gaps, or to everyone's where training had no gap."""
    rows = np.bincount(places)
    rates = np.bincount(places, weights=y) / np.maximum(rows, 1)
    return int(np.argmin(np.abs(rates - others.mean())))
