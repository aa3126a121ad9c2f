"""Reads the label of each customer, left or stayed, in the spelling that the table uses."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from helpers.errors import UserError
from modeling.columns import Column
from modeling.encoding import fold
from modeling.words import LEFT, NO, STAYED, STAYING, YES, words_of

MOST = 20  # a target has two values; a status column has some more
SHOWN = 8

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Labels:
    """Who left. `left` and `known` have shape (N,); `positive` is how the table spells leaving."""

    positive: str
    left: Flags
    known: Flags
    why: str


def read_labels(column: Column, positive: str | None) -> Labels:
    """The labels of the target column.

    Raises UserError when the column has too many values, or one only, or when it does not say which of its
    values mean leaving and `positive` does not either.
    """
    counts = value_counts(column)
    if not 1 < len(counts) <= MOST:
        raise UserError(_unfit(column.name, counts), field=column.name)
    leaving = _chosen(column.name, counts, positive) if positive is not None else _guessed(column.name, counts)
    shown = max(leaving, key=lambda text: counts[text])
    staying = [text for text in counts if text not in leaving]
    why = f"{_list(leaving, counts)} left, {_list(staying, counts)} stayed; --positive VALUE chooses otherwise"
    return Labels(shown, _rows_with(column, leaving), ~column.gaps, why)


def spell(column: Column, cell: float) -> str:
    """A cell of a target column as text: 1, not 1.0, and true, not True."""
    value = column.spelling()(cell)
    return str(value).lower() if isinstance(value, bool) else str(value)


def value_counts(column: Column) -> dict[str, int]:
    """How often each value occurs; no more than `MOST` + 1 of them, most frequent first."""
    cells, counts = np.unique(column.cells[~column.gaps], return_counts=True)
    first = np.argsort(-counts, kind="stable")[: MOST + 1]
    return {spell(column, float(cells[place])): int(counts[place]) for place in first}


def _rows_with(column: Column, texts: Collection[str]) -> Flags:
    cells = np.unique(column.cells[~column.gaps])
    wanted = [cell for cell in cells.tolist() if spell(column, cell) in texts]
    return np.isin(column.cells, wanted)


def _unfit(name: str, counts: dict[str, int]) -> str:
    if not counts:
        return f"column {name} is empty; choose the label with --target COL"
    if len(counts) == 1:
        return f"column {name} holds only {next(iter(counts))!r}; a model needs customers who left and who stayed"
    return f"column {name} holds more than {MOST} different values; a label has two: choose it with --target COL"


def _chosen(name: str, counts: dict[str, int], positive: str) -> list[str]:
    """The value that was chosen, with its other spellings."""
    wanted = fold(positive).removesuffix(".0")
    group = next((group for group in (YES, NO) if wanted in group), {wanted})
    found = [text for text in counts if fold(text) == wanted or fold(text) in group]
    if not found or len(found) == len(counts):
        raise UserError(f"column {name} cannot have --positive {positive!r}; it holds {_list(counts, counts)}", name)
    return found


def _guessed(name: str, counts: dict[str, int]) -> list[str]:
    """The values that mean leaving: by their words, or as the one that is left over by staying words."""
    plain = all(fold(text) in YES | NO for text in counts)
    if plain and words_of(name) & STAYING:
        return [text for text in counts if fold(text) in NO]
    left = [text for text in counts if fold(text) in LEFT]
    stayed = [text for text in counts if fold(text) in STAYED]
    odd = [text for text in counts if text not in left and text not in stayed]
    if left and (stayed or odd) and len(odd) <= (not stayed):
        return left
    if stayed and not left and len(odd) == 1:
        return odd
    raise UserError(
        f"column {name} holds {_list(counts, counts)}: which of them means that the customer left? "
        f"Say --positive {(left or odd or stayed)[0]!r}, for example; all others then count as staying",
        field=name,
    )


def _list(texts: Collection[str], counts: dict[str, int]) -> str:
    shown = [f"{text!r} ({counts[text]:,})" for text in list(texts)[:SHOWN]]
    return ", ".join(shown) + (", …" if len(texts) > SHOWN else "")
