"""Made-up experiments whose truth is known, looked at every day through the functions that the readout uses."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from experiments.statistics import SRM_ALPHA, Estimate, Tally, difference, enough, fixed_horizon, mismatch

Counts = npt.NDArray[np.int64]
Judge = Callable[[Tally, Tally], Estimate | None]
Day = tuple[int, Tally, Tally]

CLIENTS_A_DAY = 300
JUDGES: dict[str, Judge] = {"always_valid": difference, "fixed_horizon": fixed_horizon}


@dataclass(frozen=True, slots=True)
class Truth:
    """`churn` of the control leave, `churn + effect` of the treated, who are a share `treated` of all clients.

    What a leaver takes away is lognormal with mean 1 and `unevenness` as its sigma; at 0 it is 1, a leaver.
    """

    churn: float
    effect: float = 0.0
    treated: float = 0.5
    unevenness: float = 0.0


def course(truth: Truth, days: int, random: np.random.Generator) -> list[Day]:
    """One experiment: the number of each day on which it may be shown, with the treated and the control so far."""
    treated = random.binomial(CLIENTS_A_DAY, truth.treated, days)
    arms = (
        _arm(treated, truth.churn + truth.effect, truth.unevenness, random),
        _arm(CLIENTS_A_DAY - treated, truth.churn, truth.unevenness, random),
    )
    return [
        (number, one, other)
        for number, ((one, shown), (other, also_shown)) in enumerate(zip(*arms, strict=True), start=1)
        if shown and also_shown
    ]


def _arm(clients: Counts, churn: float, unevenness: float, random: np.random.Generator) -> list[tuple[Tally, bool]]:
    """The arm so far, and whether that is enough, for each day on which so many `clients` came."""
    events = random.binomial(clients, churn)
    values = random.lognormal(-(unevenness**2) / 2, unevenness, int(events.sum()))
    n, leavers = clients.cumsum(), events.cumsum()
    total, squares = (np.concatenate(([0.0], part.cumsum()))[leavers] for part in (values, values**2))
    columns = (n.tolist(), leavers.tolist(), total.tolist(), squares.tolist())
    return [(Tally(a, c, d), enough(a, b)) for a, b, c, d in zip(*columns, strict=True)]


def first_without(value: float, judge: Judge, days: list[Day]) -> int | None:
    """The first day on which the interval of `judge` excludes `value`; None when it never does."""
    for number, treated, control in days:
        found = judge(treated, control)
        if found and not found.low <= value <= found.high:
            return number
    return None


def first_alarm(share: float, days: int, random: np.random.Generator) -> int | None:
    """The first day on which the test of the sample ratio finds that a `share` in the first arm is not one half."""
    clients = random.binomial(CLIENTS_A_DAY, share, days).cumsum()
    for number, first in enumerate(clients.tolist(), start=1):
        counts = {"first": first, "second": number * CLIENTS_A_DAY - first}
        if mismatch(counts, {"first": 0.5, "second": 0.5}) < SRM_ALPHA:
            return number
    return None
