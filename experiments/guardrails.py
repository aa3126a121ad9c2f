"""When a challenger does harm, told from what it did beside the champion: pure rules.

The rules are asked again every minute, so a limit counts as passed only where chance is ruled out at all looks at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import chdtri

from experiments.quality import DECILES, ScoreBin, stability_index
from experiments.statistics import Estimate, Tally, difference, mean

ALPHA = 0.01
TUNED_AT = 1_000
SHIFT_ALPHA = 1e-4
SLOW_SHARE, SLOW_DEVIATIONS = 0.95, 3.0
NOTICEABLE_SECONDS = 0.01
ERRORS_SPEAK_AT = 10  # the part of the minimum that suffices for errors: each one is a client without an answer

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Limits:
    """None turns a rule off. `minimum` is the number of clients on either side before a rule speaks."""

    errors: float | None
    latency: float | None
    high_risk: float | None
    score_shift: float | None
    overlap: float | None
    brier: float | None
    minimum: int


@dataclass(frozen=True, slots=True)
class Conduct:
    """What a model, called `name`, did of late: `failures` of its `attempts`, the `seconds` of each of its answers, and
    the `scores` (0 to 1) of the clients it met, one each, `high` of whom are at high risk."""

    name: str
    attempts: int
    failures: int
    seconds: Sequence[float]
    scores: Sequence[float]
    high: int


@dataclass(frozen=True, slots=True)
class Breach:
    """What was `measured` is beyond the `limit` of the `rule`; the sentence says so to people."""

    rule: str
    measured: float
    limit: float
    sentence: str


def breaches(limits: Limits, challenger: Conduct, champion: Conduct) -> list[Breach]:
    """The rules that the challenger's conduct breaks, beside the champion's at the same time."""
    rules = (_errors, _latency, _high_risk, _score_shift)
    return [breach for rule in rules if (breach := rule(limits, challenger, champion)) is not None]


def overlap_breach(limits: Limits, name: str, silent: Sequence[float], shown: Sequence[float]) -> Breach | None:
    """Whether a shadow finds others among the riskiest than the champion does. `silent` and `shown` are the two
    models' scores of the same clients, in the same order."""
    limit, tenth = limits.overlap, len(shown) // DECILES
    if limit is None or len(shown) < limits.minimum:
        return None
    theirs, its = np.asarray(shown, dtype=np.float64), np.asarray(silent, dtype=np.float64)
    riskiest = theirs >= np.sort(theirs)[-tenth]
    found = int((its[riskiest] >= np.sort(its)[-tenth]).sum())
    of = int(riskiest.sum())
    # One more found and one more missed, or a handful of misses would look certain.
    estimate = mean(Tally.of_events(of + 2, found + 1), ALPHA, TUNED_AT)
    if estimate is None or estimate.high >= limit:
        return None
    measured = found / of
    text = (
        f"{name} finds {_percent(measured)} of the champion's riskiest tenth; {_percent(limit)} are expected at least"
    )
    return Breach("overlap", measured, limit, text)


def brier_breach(limits: Limits, name: str, challenger: Tally, champion: Tally) -> Breach | None:
    """Whether the challenger's scores were worse, by what became of the clients: squared errors of matured ones."""
    found = _compared(limits.brier, limits.minimum, challenger, champion)
    if found is None or limits.brier is None or found.low <= limits.brier:
        return None
    scores = f"{challenger.mean:.3f} on matured clients, the champion's {champion.mean:.3f}"
    text = f"The Brier score of {name} is {scores}; at most {limits.brier:g} more is allowed"
    return Breach("brier", found.value, limits.brier, text)


def _errors(limits: Limits, challenger: Conduct, champion: Conduct) -> Breach | None:
    """A champion that nobody asked counts as one that never fails."""
    limit, tried = limits.errors, Tally.of_events(challenger.attempts, challenger.failures)
    if limit is None or tried.n * ERRORS_SPEAK_AT < limits.minimum:
        return None
    usual = Tally.of_events(champion.attempts, champion.failures)
    found = difference(tried, usual, ALPHA, TUNED_AT) or mean(tried, ALPHA, TUNED_AT)
    if found is None or found.low <= limit:
        return None
    rates = f"{_percent(tried.mean)} of {tried.n:,} clients, the champion for {_percent(usual.mean)}"
    text = f"{challenger.name} fails for {rates}; at most {_percent(limit)} more are allowed"
    return Breach("errors", found.value, limit, text)


def _latency(limits: Limits, challenger: Conduct, champion: Conduct) -> Breach | None:
    """Compares the least that the challenger's percentile can be with the most that the champion's can be."""
    limit = limits.latency
    if limit is None or min(len(challenger.seconds), len(champion.seconds)) < limits.minimum:
        return None
    low, high = _slow(challenger.seconds, -SLOW_DEVIATIONS), _slow(champion.seconds, SLOW_DEVIATIONS)
    if low <= limit * high or low - high < NOTICEABLE_SECONDS:
        return None
    its, usual = _slow(challenger.seconds, 0), _slow(champion.seconds, 0)
    times = f"one answer in 20 takes {its * 1_000:.0f} ms or more, of the champion's {usual * 1_000:.0f} ms"
    text = f"{challenger.name}: {times}; at most {limit:g} times as long is allowed"
    return Breach("latency", its / usual, limit, text)


def _high_risk(limits: Limits, challenger: Conduct, champion: Conduct) -> Breach | None:
    its, usual = (Tally.of_events(len(each.scores), each.high) for each in (challenger, champion))
    limit, found = limits.high_risk, _compared(limits.high_risk, limits.minimum, its, usual)
    if found is None or limit is None or max(found.low, -found.high) <= limit:
        return None
    rates = f"{_percent(its.mean)} of its clients at high risk, the champion {_percent(usual.mean)}"
    text = f"{challenger.name} puts {rates}; at most {_percent(limit)} either way is allowed"
    return Breach("high_risk", found.value, limit, text)


def _score_shift(limits: Limits, challenger: Conduct, champion: Conduct) -> Breach | None:
    """Two samples of the same scores differ a little: by that much the index may be larger (its distribution is
    approximately chi-square, scaled by 1/n + 1/m; Yurdakul and Naranjo, Journal of Risk Model Validation, 2020)."""
    limit, n, m = limits.score_shift, len(challenger.scores), len(champion.scores)
    if limit is None or min(n, m) < limits.minimum:
        return None
    found = stability_index(_bins(champion.scores), _bins(challenger.scores))
    chance = (1 / n + 1 / m) * float(chdtri(DECILES - 1, SHIFT_ALPHA))
    if found - chance <= limit:
        return None
    text = f"The scores of {challenger.name} are distributed unlike the champion's: a stability index of {found:.2f}"
    return Breach("score_shift", found, limit, f"{text}; at most {limit:g} is allowed")


def _compared(limit: float | None, minimum: int, its: Tally, usual: Tally) -> Estimate | None:
    if limit is None or min(its.n, usual.n) < minimum:
        return None
    return difference(its, usual, ALPHA, TUNED_AT)


def _slow(seconds: Sequence[float], deviations: float) -> float:
    """The 95th percentile of the answers, or its bound so many standard deviations of its rank away."""
    n = len(seconds)
    rank = SLOW_SHARE * n + deviations * (n * SLOW_SHARE * (1 - SLOW_SHARE)) ** 0.5
    return float(np.sort(np.asarray(seconds))[min(n - 1, max(0, int(rank)))])


def _bins(scores: Sequence[float]) -> list[ScoreBin]:
    """Scores to three decimals, with the number of clients of each."""
    found, counts = np.unique(np.round(scores, 3), return_counts=True)
    return [ScoreBin(score, n, 0) for score, n in zip(found.tolist(), counts.tolist(), strict=True)]


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
