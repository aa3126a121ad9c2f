"""How good the scores were, by what became of clients whom nobody treated: treating would make good scores look wrong.

The holdout is untreated by a draw, so its figures hold for everybody. The other clients without an action were left
alone for a reason, mostly for their low scores: their figures hold for clients like these.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import Connection, Engine

from data import readout_counts
from data.exposures import monthly_holdout
from data.monitoring_store import untreated
from data.readout_store import Bin, Question, Served
from data.tables import HOLDOUT_ARM
from experiments.quality import CALIBRATION_BINS
from services.readout.parts import ModelQuality
from services.readout.quality import model_quality

MONTHS, LONGEST_MONTH = 3, timedelta(days=31)
MOST_CLIENTS = 20_000
MOST_GROUPS = 6


@dataclass(frozen=True, slots=True)
class Point:
    """Clients whose scores lie within one tenth: their mean score, and the share of them that left."""

    score: float
    rate: float
    n: int
    churned: int


@dataclass(frozen=True, slots=True)
class Truth:
    """The matured, untreated clients of one model: of the holdout, or the others. `curve` is by rising score."""

    model: str
    holdout: bool
    quality: ModelQuality
    curve: Sequence[Point]


def look_at_truth(engine: Engine, now: datetime, maturity_days: int) -> list[Truth]:
    """What matured in the newest months that have matured clients: the holdout first. Raises SQLAlchemyError."""
    bins: dict[tuple[bool, str], list[Bin]] = {}
    with engine.connect() as connection:
        for served, found in _found(connection, now, maturity_days):
            bins.setdefault((served.arm == HOLDOUT_ARM, served.model), []).extend(found)
    truths = [_truth(model, holdout, found) for (holdout, model), found in bins.items() if found]
    return sorted(truths, key=lambda each: (not each.holdout, -each.quality.n))[:MOST_GROUPS]


def curve(bins: Sequence[Bin]) -> list[Point]:
    """The calibration curve, over tenths of the scale from 0 to 1; tenths without clients have no point."""
    score = np.array([each.score for each in bins])
    n, left = (np.array([pair[side] for pair in _counts(bins)], dtype=np.float64) for side in (0, 1))
    place = np.minimum((score * CALIBRATION_BINS).astype(np.intp), CALIBRATION_BINS - 1)
    sums = [np.bincount(place, weights=each, minlength=CALIBRATION_BINS).tolist() for each in (score * n, left, n)]
    return [Point(of / many, gone / many, int(many), int(gone)) for of, gone, many in zip(*sums, strict=True) if many]


def _counts(bins: Sequence[Bin]) -> list[tuple[int, int]]:
    return [each.matured("waiting") for each in bins]


def _found(connection: Connection, now: datetime, maturity_days: int) -> Iterator[tuple[Served, list[Bin]]]:
    closed = now - timedelta(days=maturity_days)
    for month in dict.fromkeys(monthly_holdout(closed - back * LONGEST_MONTH) for back in range(MONTHS)):
        for served in readout_counts.served(connection, month):
            question = Question(month, now, maturity_days, (served,))
            yield served, untreated(connection, question, served, MOST_CLIENTS)


def _truth(model: str, holdout: bool, bins: Sequence[Bin]) -> Truth:
    return Truth(model, holdout, model_quality(model, bins, "waiting"), curve(bins))
