"""Where intervals stand on a line that all rows of a table share: percentages, so that a drawing fits any width."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

EDGE = 3.0  # room for the end of an interval and half a point, in percent
STEPS = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
APART = 25.0  # labels nearer to each other than this would touch on a phone, in percent
Tone = Literal["better", "worse", "undecided"]


@dataclass(frozen=True, slots=True)
class Mark:
    """An interval with its point. `words` say the same to who cannot see it; all places are in percent."""

    start: float
    point: float
    end: float
    zero: float
    tone: Tone
    words: str


@dataclass(frozen=True, slots=True)
class Label:
    """A value beside the line; `anchor` is the SVG attribute."""

    place: float
    text: str
    anchor: Literal["start", "middle", "end"]


@dataclass(frozen=True, slots=True)
class Scale:
    """The values at the two ends of the line; zero lies within."""

    low: float
    high: float

    def place(self, value: float) -> float:
        """How far along the line a value of the scale is, in percent of the width."""
        return round(EDGE + (100 - 2 * EDGE) * (value - self.low) / (self.high - self.low), 2)

    def labels(self, words: Callable[[float], str]) -> tuple[Label, ...]:
        """Zero and the two ends, but for an end too near to zero."""
        zero = Label(self.place(0), "0", "middle" if self.low < 0 else "start")
        low = Label(self.place(self.low), words(self.low), "start")
        high = Label(self.place(self.high), words(self.high), "end")
        return (zero, *(end for end in (low, high) if abs(end.place - zero.place) >= APART))

    def mark(self, low: float, value: float, high: float, tone: Tone, words: str) -> Mark:
        return Mark(self.place(low), self.place(value), self.place(high), self.place(0), tone, words)


def scale_around(values: Iterable[float], smallest: float) -> Scale:
    """A scale as far below zero as above it, that holds all `values` and ends at a round number.

    It reaches `smallest` at least, so that next to nothing looks like it.
    """
    reach = _round_up(max([smallest, *(abs(value) for value in values)]))
    return Scale(-reach, reach)


def scale_from_zero(values: Iterable[float], smallest: float) -> Scale:
    """A scale that holds zero and all `values` and ends at round numbers; above zero it is `smallest` long at least."""
    known = list(values)
    low, high = min([0.0, *known]), _round_up(max([smallest, *known]))
    return Scale(-_round_up(max(-low, high / 1_000)) if low else 0.0, high)


def tone_of(low: float, high: float) -> Tone:
    """The tone of an amount of which more is better."""
    if low > 0:
        return "better"
    return "worse" if high < 0 else "undecided"


def _round_up(value: float) -> float:
    """The next round number: one of `STEPS` times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in STEPS if step * power >= value * (1 - 1e-9))
