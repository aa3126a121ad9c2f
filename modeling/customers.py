"""Which rows of a table are customers that a model can learn from, and what they are called."""

import re

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from helpers.errors import UserError
from modeling.choices import Decision
from modeling.columns import Column
from modeling.labels import Labels
from modeling.roles import NUMBERED
from modeling.text_columns import distinct_texts

LEAST_ROWS = 100
LEAST_OF_EACH = 10
LONGEST_ID = 190

Flags = npt.NDArray[np.bool_]


def read_ids(table: pa.Table, column: str) -> list[str]:
    """The id of each row as text, empty for a gap; whole numbers without decimals."""
    if column == NUMBERED:
        return [str(row) for row in range(1, table.num_rows + 1)]
    if pa.types.is_nested(table[column].type):
        raise UserError(f"column {column} holds lists or structures; choose another with --id COL", column)
    texts, slots = distinct_texts(table[column])
    spelled = [re.sub(r"^([0-9]+)\.0+$", r"\1", text) for text in texts]
    longest = max(spelled, key=len)
    if len(longest) > LONGEST_ID:
        raise UserError(f"column {column} holds an id of {len(longest)} characters; the longest may have 190", column)
    return [spelled[slot] for slot in slots.tolist()]


def usable_rows(ids: list[str], id_name: str, labels: Labels, columns: list[Column]) -> tuple[Flags, list[Decision]]:
    """Which rows stay, shape (N,), and why the others go: no label, no id, or the same row once more.

    Raises UserError when an id stands for several different rows.
    """
    named = np.array([bool(name) for name in ids])
    kept = labels.known & named
    again = _repeated_rows(ids, columns) & kept
    kept &= ~again
    _refuse_repeated(np.array(ids, dtype=object)[kept].tolist(), id_name)
    counts = [
        (int((~labels.known).sum()), "without a label"),
        (int((labels.known & ~named).sum()), f"without {id_name}"),
        (int(again.sum()), "that repeat an earlier row, id included"),
    ]
    return kept, [Decision("rows", f"{count:,} left out", f"rows {why}") for count, why in counts if count]


def _repeated_rows(ids: list[str], columns: list[Column]) -> Flags:
    """Whether a row equals an earlier one in its id and in every column."""
    names = {name: place for place, name in enumerate(dict.fromkeys(ids))}
    repeated = np.ones(len(ids), dtype=bool)
    if len(names) == len(ids):
        return ~repeated
    stacked = np.stack([np.array([names[name] for name in ids], dtype=float), *(c.cells for c in columns)], axis=1)
    _, first = np.unique(np.nan_to_num(stacked, nan=-np.inf), axis=0, return_index=True)
    repeated[first] = False
    return repeated


def _refuse_repeated(ids: list[str], column: str) -> None:
    if len(set(ids)) == len(ids):
        return
    seen: set[str] = set()
    repeated = {name for name in ids if name in seen or seen.add(name)}  # type: ignore[func-returns-value]
    raise UserError(
        f"column {column} names {len(repeated):,} customers more than once, {min(repeated)!r} for example; "
        "keep one row a customer, or choose another column with --id COL",
        field=column,
    )


def refuse_too_few(left: Flags, target: str) -> None:
    """Raises UserError when there are too few rows, or too few of one label, to learn and to test."""
    leavers, rows = int(left.sum()), len(left)
    if not 0 < leavers < rows:
        who = "left" if leavers else "stayed"
        raise UserError(
            f"column {target}: every customer {who}; a model needs some who left and some who stayed", target
        )
    if rows < LEAST_ROWS or min(leavers, rows - leavers) < LEAST_OF_EACH:
        raise UserError(
            f"{rows} usable rows, {leavers} of them left: too few to learn from and to test on; "
            f"a table needs {LEAST_ROWS} rows with {LEAST_OF_EACH} of either label",
            field=target,
        )
