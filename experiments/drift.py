"""Whether what comes in is still like what a model was trained on: shares of the same bins, then and now."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from scipy.special import chdtri

from experiments.quality import index_of_counts

MODERATE, LARGE = 0.1, 0.25
CHANCE_ALPHA = 1e-4
LEAST_ROWS = 100

Level = Literal["unknown", "stable", "moderate", "large"]


@dataclass(frozen=True, slots=True)
class Shift:
    """`index` is the population stability index, of which up to `chance` may be chance alone."""

    index: float
    chance: float
    level: Level


def shift(before: Sequence[float], now: Sequence[float]) -> Shift:
    """The shift of counts by bin. It has a level only as far as it is beyond chance, so that few rows raise no alarm.

    Two samples of the same distribution differ: n and m rows over k bins by (1/n + 1/m) times a chi-square of k - 1
    degrees (Yurdakul and Naranjo, Journal of Risk Model Validation, 2020). Raises ValueError without rows on a side.
    """
    n, m = sum(before), sum(now)
    if not n or not m:
        raise ValueError("a shift needs rows on both sides")
    filled = [pair for pair in zip(before, now, strict=True) if any(pair)]
    index = index_of_counts(*zip(*filled, strict=True))
    chance = (1 / n + 1 / m) * float(chdtri(max(1, len(filled) - 1), CHANCE_ALPHA))
    return Shift(index, chance, _level(index - chance, index, m))


def _level(surely: float, index: float, rows: float) -> Level:
    if rows < LEAST_ROWS:
        return "unknown"
    if surely > LARGE:
        return "large"
    return "moderate" if surely > 0 and index > MODERATE else "stable"
