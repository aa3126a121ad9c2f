"""Where the marks of the monitoring page's charts stand: a drawing is 1,000 wide and 100 high, from the top left."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

WIDE, HIGH = 1_000.0, 100.0
GAP = 0.15


@dataclass(frozen=True, slots=True)
class Block:
    """One part of a column; `series` is its place among the parts."""

    x: float
    y: float
    width: float
    height: float
    series: int


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns of parts that stand on one another. `top` is what the full height stands for."""

    top: float
    blocks: Sequence[Block]


@dataclass(frozen=True, slots=True)
class Lines:
    """For each series its pieces, as points of SVG: a gap ends a piece."""

    top: float
    pieces: Sequence[Sequence[str]]


def columns_of(stacks: Sequence[Sequence[float]], top: float | None = None) -> Columns:
    """One column for each of `stacks`, on a scale up to `top` where one is given."""
    top = top or nice_top(max(sum(stack) for stack in stacks))
    return Columns(
        top, [block for place, stack in enumerate(stacks) for block in _stack(place, len(stacks), stack, top)]
    )


def lines_of(series: Sequence[Sequence[float | None]]) -> Lines:
    """One line for each of `series`, which share a scale; None is a gap."""
    top = nice_top(max(value for values in series for value in values if value is not None))
    return Lines(top, [list(_pieces(values, top)) for values in series])


def nice_top(largest: float) -> float:
    """The next of 1, 2, 5, 10, 20, … from `largest` on."""
    if largest <= 0:
        return 1.0
    power = 10 ** math.floor(math.log10(largest))
    return float(next(step * power for step in (1, 2, 5, 10) if step * power >= largest))


def _stack(place: int, many: int, stack: Sequence[float], top: float) -> Iterator[Block]:
    step, below = WIDE / many, 0.0
    for series, value in enumerate(stack):
        height = HIGH * value / top
        below += height
        if value:
            x, width = (place + GAP / 2) * step, (1 - GAP) * step
            yield Block(round(x, 2), round(HIGH - below, 2), round(width, 2), round(height, 2), series)


def _pieces(values: Sequence[float | None], top: float) -> Iterator[str]:
    """A value without neighbours becomes a short piece of its own, so that it is seen."""
    step, piece = WIDE / len(values), list[str]()
    for place, value in enumerate([*values, None]):
        if value is not None:
            piece.append(f"{(place + 0.5) * step:.1f},{HIGH - HIGH * value / top:.1f}")
            continue
        if len(piece) == 1:
            x, _, y = piece[0].partition(",")
            piece.append(f"{float(x) + step / 3:.1f},{y}")
        if piece:
            yield " ".join(piece)
        piece = []
