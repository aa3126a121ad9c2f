"""What an experiment has shown so far, in a form that may be looked at every day.

An ordinary 95 % interval is right for one look. Who looks daily and stops at the first interval that excludes zero
finds a difference in nearly half of the experiments without one (`benchmarks/looks.json`). The intervals here cover the
truth at all looks at once: asymptotic confidence sequences (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, arXiv
2103.06476). The test of the sample ratio is a Bayes factor that keeps its error rate in the same way (Lindon and Malek,
arXiv 2011.03567).
"""

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass

from scipy.special import gammaln, lambertw, ndtr, ndtri

ALPHA = 0.05
SRM_ALPHA = 0.01
TUNED_AT = 5_000  # clients at which an interval is tightest; it is valid at any number
MINIMUM_CLIENTS = 100
MINIMUM_EVENTS = 10  # leavers, and stayers: of made-up experiments 4 % at most miss the truth, with 5 of them 5 %
CONCENTRATION = 300.0  # finds 47/53 among 300 clients a day soonest, of all that were tried
MOST_CLIENTS = 10**15


@dataclass(frozen=True, slots=True)
class Tally:
    """Sufficient statistics of the matured clients of one arm: their number, sum of y and sum of y²."""

    n: int
    total: float
    squares: float

    @classmethod
    def of_events(cls, n: int, events: int) -> "Tally":
        """The tally of `n` clients with y = 1 for `events` of them, 0 for the others."""
        return cls(n, events, events)

    @property
    def mean(self) -> float:
        return self.total / self.n if self.n else 0.0

    @property
    def variance(self) -> float:
        """Unbiased; 0 below two clients."""
        if self.n < 2:
            return 0.0
        return max(0.0, (self.squares - self.total**2 / self.n) / (self.n - 1))

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.n + other.n, self.total + other.total, self.squares + other.squares)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its interval, in the unit of y."""

    value: float
    low: float
    high: float

    def scaled(self, factor: float) -> "Estimate":
        low, high = sorted((self.low * factor, self.high * factor))
        return Estimate(self.value * factor, low, high)


def enough(n: int, events: int) -> bool:
    """Whether an arm of `n` matured clients, `events` of whom left, may be shown: below it no normal limit holds."""
    return n >= MINIMUM_CLIENTS and min(events, n - events) >= MINIMUM_EVENTS


def difference(treated: Tally, control: Tally, alpha: float = ALPHA, tuned_at: int = TUNED_AT) -> Estimate | None:
    """mean(treated) - mean(control), always valid; None when an arm has fewer than two clients.

    An arm counts as no less variable than all clients together. A small one with rare and uneven sums, such as the
    money of a holdout, would look certain just while its large sums have not come yet; the limit theorem sees no harm.
    """
    if min(treated.n, control.n) < 2:
        return None
    n = treated.n + control.n
    floor = (treated + control).variance
    variances = (max(treated.variance, floor), max(control.variance, floor))
    half = _spread(variances, (treated.n / n, control.n / n)) * _margin(n, alpha, tuned_at)
    return _around(treated.mean - control.mean, half)


def mean(tally: Tally, alpha: float = ALPHA, tuned_at: int = TUNED_AT) -> Estimate | None:
    """The mean of one arm, always valid; None below two clients."""
    if tally.n < 2:
        return None
    return _around(tally.mean, math.sqrt(tally.variance) * _margin(tally.n, alpha, tuned_at))


def fixed_horizon(treated: Tally, control: Tally, alpha: float = ALPHA) -> Estimate | None:
    """The ordinary normal interval of the difference, right for a single look; None as for `difference`."""
    if min(treated.n, control.n) < 2:
        return None
    error = math.sqrt(treated.variance / treated.n + control.variance / control.n)
    return _around(treated.mean - control.mean, -float(ndtri(alpha / 2)) * error)


def clients_needed(
    rate: float, effect: float, shares: tuple[float, float], alpha: float = ALPHA, tuned_at: int = TUNED_AT
) -> int:
    """Clients of both arms together at which half the width of `difference` is down to |effect|.

    `rate` of the control leave, `rate + effect` of the treated; `shares` are those of treated and control, in any unit.
    By then about half of such experiments are decided. Raises ValueError for an effect of 0 or a rate outside 0 to 1.
    """
    if effect == 0:
        raise ValueError("an effect of 0 needs no end of clients")
    _, shown = _expected_spreads(rate, effect, shares)
    return 2 + bisect_left(
        range(2, MOST_CLIENTS), True, key=lambda n: shown * _margin(n, alpha, tuned_at) <= abs(effect)
    )


def power(
    rate: float,
    effect: float,
    n: int,
    shares: tuple[float, float],
    alpha: float = ALPHA,
    tuned_at: int = TUNED_AT,
) -> float:
    """Probability, by the normal approximation, that `difference` over `n` clients of both arms excludes zero.

    The other arguments are those of `clients_needed`. Raises ValueError for a rate outside 0 to 1.
    """
    true, shown = _expected_spreads(rate, effect, shares)
    if n < 2:
        return 0.0
    error, half = true / math.sqrt(n), shown * _margin(n, alpha, tuned_at)
    if error == 0:
        return float(abs(effect) > half)
    return float(ndtr((effect - half) / error) + ndtr((-effect - half) / error))


def mismatch(counts: Mapping[str, int], shares: Mapping[str, float], concentration: float = CONCENTRATION) -> float:
    """Sequential p-value, 0 to 1, that clients reach the arms by other shares than the configured ones.

    min(1, 1 / Bayes factor) of a Dirichlet-multinomial, centred at the shares, against the shares themselves. Whoever
    looks every day sees it fall below a with a probability of a at most.
    Raises ValueError for shares that do not sum to 1 or that have no place for a count.
    """
    _check(counts, shares)
    seen = [(counts.get(arm, 0), share) for arm, share in shares.items() if share > 0]
    n = sum(count for count, _ in seen)
    evidence = float(gammaln(concentration) - gammaln(concentration + n))
    for count, share in seen:
        prior = concentration * share
        evidence += float(gammaln(prior + count) - gammaln(prior)) - count * math.log(share)
    return math.exp(min(0.0, -evidence))


def _check(counts: Mapping[str, int], shares: Mapping[str, float]) -> None:
    if min(shares.values(), default=0) < 0 or not math.isclose(sum(shares.values()), 1, abs_tol=1e-6):
        raise ValueError("shares must be 0 or more and sum to 1")
    lost = [arm for arm, count in counts.items() if count and not shares.get(arm)]
    if lost:
        raise ValueError(f"counts of arms without a share: {', '.join(lost)}")


def _margin(n: int, alpha: float, tuned_at: int) -> float:
    """Half the width for a standard deviation of 1 at `n` clients: the Gaussian mixture of the first paper.

    ρ² makes it least at `tuned_at`: nρ² + 1 = -W(-α²/e) there, W the lower branch of Lambert's function. It
    never depends on the data, or the guarantee would be lost.
    """
    rho2 = (-float(lambertw(-(alpha**2) / math.e, -1).real) - 1) / tuned_at
    grown = n * rho2 + 1
    return math.sqrt(2 * grown / (n**2 * rho2) * math.log(math.sqrt(grown) / alpha))


def _spread(variances: tuple[float, float], shares: tuple[float, float]) -> float:
    """Standard deviation of one client's contribution to the difference of two arms drawn with `shares`."""
    return math.sqrt(variances[0] / shares[0] + variances[1] / shares[1])


def _expected_spreads(rate: float, effect: float, shares: tuple[float, float]) -> tuple[float, float]:
    """The spread itself, and the one that `difference` reckons with."""
    treated = rate + effect
    if not (0 <= rate <= 1 and 0 <= treated <= 1):
        raise ValueError("rate and rate + effect must lie between 0 and 1")
    of_treated = shares[0] / sum(shares)
    parts = (of_treated, 1 - of_treated)
    every = parts[0] * treated + parts[1] * rate
    variances = (treated * (1 - treated), rate * (1 - rate))
    floor = every * (1 - every)
    return _spread(variances, parts), _spread((max(variances[0], floor), max(variances[1], floor)), parts)


def _around(value: float, half: float) -> Estimate:
    return Estimate(value, value - half, value + half)
