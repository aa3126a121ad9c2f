"""How experiments read on a page: arms, models, differences, money and days in words."""

from datetime import datetime, timedelta

from endpoints.wording import label, money
from experiments.statistics import Estimate

MINUS = "−"


def arm_name(arm: str) -> str:
    """An arm as people say it: `champion` is Champion, `gradient_boosting@3` Gradient boosting 3."""
    name, _, version = arm.partition("@")
    return f"{label(name)} {version}".rstrip()


def points(difference: float) -> str:
    """A difference of two rates in percentage points, with its sign: -0.031 is −3.1."""
    return _signed(f"{100 * difference:+.1f}")


def points_span(low: float, high: float) -> str:
    """The two ends of a difference of rates: −5.2 to −1.0."""
    return f"{points(low)} to {points(high)}"


def amount(value: float) -> str:
    """An amount of money with a proper minus: it may be lost as well as saved."""
    return money(value).replace("-", MINUS)


def amount_span(estimate: Estimate) -> str:
    """The two ends of an amount: −200 to 3,100."""
    return f"{amount(estimate.low)} to {amount(estimate.high)}"


def plural(number: int, one: str, many: str = "") -> str:
    """`1 client`, `2,000 clients`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def days_between(start: datetime, end: datetime) -> int:
    """The days begun between the two, the first one counted."""
    return max(0, (end - start) // timedelta(days=1)) + 1


def month_name(month: str) -> str:
    """`2026-11` is November 2026."""
    return f"{datetime.strptime(month, '%Y-%m'):%B %Y}"


def _signed(text: str) -> str:
    return "0.0" if float(text) == 0 else text.replace("-", MINUS)
