"""How the sentences of a readout spell figures."""

from collections.abc import Sequence

from experiments.statistics import Estimate


def percent(share: float) -> str:
    """0.0312 is `3.1%`."""
    return f"{100 * share:.1f}%"


def points(difference: float) -> str:
    """A difference of rates without its sign: -0.0123 is `1.2 points`."""
    text = f"{100 * abs(difference):.1f}".removesuffix(".0")
    return f"{text} point" if text == "1" else f"{text} points"


def amount(money: float) -> str:
    """Whole from 10 on."""
    return f"{money:,.0f}" if abs(money) >= 10 else f"{money:,.2f}"


def span(found: Estimate) -> str:
    """`between 1,200 and 5,400`; what is lost is below zero."""
    return f"between {amount(found.low)} and {amount(found.high)}"


def together(names: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def plural(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
