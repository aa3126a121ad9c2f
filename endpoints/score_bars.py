"""The spread of scores as a small drawing, and what each cutoff would come to."""

from dataclasses import dataclass

from endpoints.interval_marks import Label
from endpoints.wording import percent
from services.score_spread import Spread

HEIGHT = 36.0
SMALLEST = 0.8
"""A bar that stands for anybody can be seen."""
STEP = 5


@dataclass(frozen=True, slots=True)
class Bar:
    x: int
    y: float
    height: float
    high: bool


@dataclass(frozen=True, slots=True)
class Bars:
    """`cutoff` is in force, in percent; `table` says for some cutoffs how many clients would be at high risk."""

    bars: list[Bar]
    cutoff: float
    clients: int
    high: int
    counts: str
    table: list[tuple[str, int]]
    partial: bool
    labels: tuple[Label, ...]


def bars(spread: Spread, cutoff: float) -> Bars:
    table = [(percent(place / 100), spread.at_least(place / 100)) for place in range(STEP, 100, STEP)]
    return Bars(
        bars=_bars(spread, cutoff),
        cutoff=round(100 * cutoff, 6),
        clients=spread.clients,
        high=spread.at_least(cutoff),
        counts=",".join(map(str, spread.counts)),
        table=table,
        partial=spread.partial,
        labels=_LABELS,
    )


def _bars(spread: Spread, cutoff: float) -> list[Bar]:
    tallest = max(spread.counts, default=0)
    found = []
    for place, number in enumerate(spread.counts):
        if number:
            height = round(max(SMALLEST, HEIGHT * number / tallest), 2)
            found.append(Bar(place, round(HEIGHT - height, 2), height, place / 100 >= cutoff - 1e-9))
    return found


_LABELS = (
    Label(0, "0%", "start"),
    Label(25, "25%", "middle"),
    Label(50, "50%", "middle"),
    Label(75, "75%", "middle"),
    Label(100, "100%", "end"),
)
