"""Two models side by side: how far their figures are apart, and how far their scores are on the same clients."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Engine

from data.guardrail_store import RecentAnswer, recent_answers
from data.tables import HOLDOUT_ARM
from helpers.clock import Clock
from modeling.card import Card, Interval

RECENT = timedelta(days=30)
MOST_ANSWERS = 500
FEWEST_CLIENTS = 20


@dataclass(frozen=True, slots=True)
class Agreement:
    """What two models said of the same clients at their newest answers.

    `same_side` is the share of these clients whom both put on the same side of the cutoff; `apart` is the mean absolute
    difference of the two probabilities, `higher` the mean by which those of the second are above the first's.
    """

    clients: int
    same_side: float
    apart: float
    higher: float


def difference(a: Interval, b: Interval) -> Interval:
    """b - a, with the interval of Zou and Donner (Statistics in Medicine 27, 2008) for two estimates that know nothing
    of each other. On the same customers, where both find the same ones hard, it is wider than it need be."""
    apart = b.mean - a.mean
    below = math.hypot(b.mean - b.low, a.high - a.mean)
    above = math.hypot(b.high - b.mean, a.mean - a.low)
    return Interval(mean=apart, low=apart - below, high=apart + above)


def same_customers(a: Card, b: Card) -> bool:
    """Whether the figures of both are of the same held-out customers, as they are after one training."""
    facts = [(card.table, card.created_at, card.schema_digest, card.rows) for card in (a, b)]
    return facts[0] == facts[1] and bool(a.created_at)


def agreement(engine: Engine, clock: Clock, a: str, b: str) -> Agreement | None:
    """Over the newest answers of the last month; None where too few clients were scored by both.

    Clients of the holdout are left out: nobody is to know their scores.
    """
    with engine.connect() as connection:
        rows = recent_answers(connection, clock.now() - RECENT, MOST_ANSWERS)
    pairs = list(_pairs(rows, a, b).values())
    if len(pairs) < FEWEST_CLIENTS:
        return None
    n = len(pairs)
    same = sum((one >= cutoff) == (other >= cutoff) for one, other, cutoff in pairs)
    apart = sum(abs(other - one) for one, other, _ in pairs) / n
    return Agreement(n, same / n, apart, sum(other - one for one, other, _ in pairs) / n)


def _pairs(rows: list[RecentAnswer], a: str, b: str) -> Mapping[str, tuple[float, float, float]]:
    """The newest pair of scores of each client, with the cutoff of that answer; `rows` come newest first."""
    return dict(_scored(reversed(rows), a, b))


def _scored(rows: Iterator[RecentAnswer], a: str, b: str) -> Iterator[tuple[str, tuple[float, float, float]]]:
    for row in rows:
        one, other = _score(row, a), _score(row, b)
        if row.arm != HOLDOUT_ARM and one is not None and other is not None:
            yield row.client_id, (one, other, row.cutoff)


def _score(row: RecentAnswer, ref: str) -> float | None:
    return row.prediction if row.model == ref else row.silent_scores.get(ref)
