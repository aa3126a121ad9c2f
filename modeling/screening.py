"""Which columns a model must not read, and why."""

import shlex
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modeling.choices import Choices, Dropped
from modeling.columns import Column
from modeling.leaks import ALARM, ALARM_BY_NAME, single_column_auc
from modeling.texts import text_reason
from modeling.words import CONTACT, JOINED, KEY_ALONE, ROW, after_the_fact, words_of

RESERVED = {"client_id", "token", "reasons", "key"}  # fields of a request that are not features
MOSTLY = 0.95  # a column with more gaps than this says too little
FEW = 5  # a column that is the same but for fewer rows than this cannot be learned from
NEARLY_ALL = 0.9
GAPS_IN_COUNT = 1.2  # rows may be missing from a count of them

Flags = npt.NDArray[np.bool_]
Reason = str | None


@dataclass(frozen=True)
class Screened:
    kept: list[Column]
    dropped: list[Dropped]


def screen(columns: Collection[Column], left: Flags, choices: Choices) -> Screened:
    """Parts the columns into those that the model reads and those left out, each with its reason.

    `left` has shape (N,). A column in `choices.keep` stays, unless requests already use its name.
    """
    kept: list[Column] = []
    dropped: list[Dropped] = []
    seen: dict[bytes, str] = {}
    for column in columns:
        reason = _reason(column, left, choices) or _copy(column, seen, choices)
        if reason:
            dropped.append(Dropped(column.name, reason))
        else:
            kept.append(column)
    return Screened(kept, dropped)


def _reason(column: Column, left: Flags, choices: Choices) -> Reason:
    if column.name in choices.drop:
        return "you dropped it"
    if column.name in RESERVED:
        return "a request uses this name for something else; rename the column to use it"
    if column.name in choices.keep:
        return None
    checks: tuple[Callable[[Column], Reason], ...] = (_constant, _counting, _id_like, text_reason)
    reason = next((reason for check in checks if (reason := check(column))), None)
    return reason or _leaking(column, left) or _sparse(column)


def _constant(column: Column) -> Reason:
    _, counts = np.unique(column.cells, return_counts=True, equal_nan=True)
    odd = len(column.cells) - counts.max()
    if odd == 0:
        return "constant: empty in every row" if column.gaps.all() else "constant: the same in every row"
    return f"nearly constant: the same in all but {odd} rows" if odd < FEW else None


def _sparse(column: Column) -> Reason:
    share = column.gaps.mean()
    return f"mostly missing: {share:.1%} of the rows are gaps" if share > MOSTLY else None


def _counting(column: Column) -> Reason:
    """A count of the rows: whole numbers, all different, hardly a number left out."""
    filled = column.cells[~column.gaps]
    if not column.integer or column.gaps.any() or column.distinct() < len(filled):
        return None
    span = filled.max() - filled.min() + 1
    return "it numbers the rows" if span <= GAPS_IN_COUNT * len(filled) else None


def _id_like(column: Column) -> Reason:
    words = words_of(column.name)
    named = words & (KEY_ALONE | ROW | CONTACT) or JOINED.fullmatch("".join(column.name.lower().split()))
    fits = column.integer or column.kind == "category"
    if not (named and fits) or column.distinct() < NEARLY_ALL * (~column.gaps).sum():
        return None
    return f"id-like: {column.distinct():,} different values in {len(column.cells):,} rows, by its name a key"


def _leaking(column: Column, left: Flags) -> Reason:
    auc = single_column_auc(column, left)
    late = after_the_fact(column.name)
    if auc < (ALARM_BY_NAME if late else ALARM):
        return None
    named = ", and it is named like something written after the fact" if late else ""
    alarm = ALARM_BY_NAME if late else ALARM
    return (
        f"leaking: alone it tells who left with a cross-validated ROC AUC of {auc:.3f} (alarm at {alarm:.2f}){named}; "
        f"--keep {shlex.quote(column.name)} if it is known before a customer leaves"
    )


def _copy(column: Column, seen: dict[bytes, str], choices: Choices) -> Reason:
    """The name of an earlier column that says the same; remembers this one otherwise."""
    twin = seen.setdefault(_signature(column), column.name)
    if twin == column.name or column.name in choices.keep:
        return None
    return f"it says the same as {twin} in every row"


def _signature(column: Column) -> bytes:
    """Equal for columns that hold equal numbers, or whose categories part the rows alike."""
    if column.kind in {"number", "date"}:
        return column.kind.encode() + column.cells.tobytes()
    _, first, places = np.unique(column.cells, return_index=True, return_inverse=True, equal_nan=True)
    order = np.argsort(np.argsort(first))
    return b"parts" + order[places].tobytes()
