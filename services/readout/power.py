"""How far an experiment is from finding a difference that is worth finding."""

import math
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from experiments.plan import HOLDOUT
from experiments.statistics import clients_needed, enough, power
from services.readout.arms import Arms
from services.readout.figures import Figures
from services.readout.parts import PowerReadout
from services.readout.wording import percent, plural, points

RECENT_DAYS = 7
SURE = 0.999
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Course:
    """How clients reach two arms: `by_day` (UTC, days since 1970-01-01), and how many a day lately, 0 once none do."""

    by_day: Counter[int]
    per_day: float

    @property
    def clients(self) -> int:
        return self.by_day.total()

    def day_of(self, place: int) -> int:
        """The day on which the client of that place came, counted from 1; there are as many."""
        so_far = 0
        for day in sorted(self.by_day):
            so_far += self.by_day[day]
            if so_far >= place:
                return day
        raise ValueError(f"only {so_far} clients came")


@dataclass(frozen=True, slots=True)
class _Need:
    """What one arm needs beside the control, `shares` and `rate` being those of `statistics.clients_needed`."""

    arm: str
    rate: float
    effect: float
    shares: tuple[float, float]
    alpha: float
    clients: int

    @property
    def needed(self) -> int:
        return clients_needed(self.rate, self.effect, self.shares, self.alpha)

    @property
    def power(self) -> float:
        return power(self.rate, self.effect, self.clients, self.shares, self.alpha)


def power_readout(
    arms: Arms, figures: Figures, smallest_effect: float, now: datetime, maturity_days: int, arriving: bool
) -> PowerReadout:
    """For the arm that needs most. `arriving`: whether new clients still come."""
    need = max(_needs(arms, smallest_effect), key=lambda each: each.needed, default=None)
    if need is None:
        return _unknown(arms, smallest_effect)
    course = _course(figures, {need.arm, arms.control or ""}, now, arriving)
    days = _days(need, course, now, maturity_days)
    return PowerReadout(
        effect=smallest_effect,
        arm=need.arm,
        power=need.power,
        clients=need.clients,
        clients_needed=need.needed,
        clients_per_day=round(course.per_day, 1),
        days_needed=days,
        sentence=_sentence(need, course, days, arriving),
    )


def _needs(arms: Arms, smallest_effect: float) -> list[_Need]:
    rate = _rate(arms)
    if rate is None or arms.control is None:
        return []
    effect = -smallest_effect if rate >= smallest_effect else smallest_effect
    control = arms.sums[arms.control]
    return [
        _Need(arm, rate, effect, _shares(arms, arm), arms.alpha, arms.sums[arm].matured + control.matured)
        for arm in arms.candidates
        if all(_shares(arms, arm))
    ]


def _rate(arms: Arms) -> float | None:
    """The control's churn rate, or as long as that is not known the one of all who are treated."""
    everybody = [found for arm, found in arms.sums.items() if arm != HOLDOUT]
    control = [arms.sums[arms.control]] if arms.control else []
    for some in (control, everybody):
        matured, churned = sum(each.matured for each in some), sum(each.churned for each in some)
        if enough(matured, churned):
            return churned / matured
    return None


def _shares(arms: Arms, arm: str) -> tuple[float, float]:
    """Of the arm and of the control; where they are not configured, as clients came."""
    given, control = arms.facts.arms, arms.control or ""
    if arm in given and control in given:
        return given[arm], given[control]
    return arms.sums[arm].clients, arms.sums[control].clients


def _course(figures: Figures, arms: set[str], now: datetime, arriving: bool) -> Course:
    by_day: Counter[int] = Counter()
    for part in figures.parts:
        if part.served.arm in arms:
            by_day[part.day] += part.clients
    today = (now - EPOCH).days
    if not arriving or figures.first_at is None:
        return Course(by_day, 0.0)
    elapsed = (now - figures.first_at) / timedelta(days=1)
    if elapsed < RECENT_DAYS + 1:
        return Course(by_day, by_day.total() / max(1.0, elapsed))  # nothing is known of the rest of the first day
    return Course(by_day, sum(by_day[today - back] for back in range(1, RECENT_DAYS + 1)) / RECENT_DAYS)


def _days(need: _Need, course: Course, now: datetime, maturity_days: int) -> int | None:
    """Until the last client needed has come and matured; None when not so many will come."""
    if need.clients >= need.needed:
        return 0
    missing = need.needed - course.clients
    if missing <= 0:
        matures = EPOCH + timedelta(days=course.day_of(need.needed) + 1 + maturity_days)
        return max(1, math.ceil((matures - now) / timedelta(days=1)))
    return math.ceil(missing / course.per_day) + maturity_days if course.per_day else None


def _unknown(arms: Arms, smallest_effect: float) -> PowerReadout:
    clients = sum(found.matured for arm, found in arms.sums.items() if arm != HOLDOUT)
    sentence = "How long it takes is not known yet: too few clients have matured to know how many leave."
    if not arms.candidates or arms.control is None:
        sentence = "There is nothing to compare."
    return PowerReadout(smallest_effect, None, None, clients, None, 0.0, None, sentence)


def _sentence(need: _Need, course: Course, days: int | None, arriving: bool) -> str:
    goal = f"To find a difference of {points(need.effect)} in churn rate, {need.needed:,} clients must have matured"
    if days == 0:
        chance = f"of {percent(need.power)}" if need.power < SURE else f"above {percent(SURE)}"
        return f"{goal}, and {need.clients:,} have: it is found with a probability {chance}."
    if days is not None:
        pace = f" (about {course.per_day:,.0f} new ones come a day)" if course.per_day else ""
        return f"{goal}; {need.clients:,} have. That takes up to {plural(days, 'more day')}{pace}."
    why = "none come lately" if arriving else "no more will come"
    return f"{goal}; {need.clients:,} have, and {why}."
