"""Finds the columns that are not features alone: the label, the customer's id, the money a period."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pyarrow as pa

from helpers.errors import UserError
from modeling.choices import Choices, Decision
from modeling.columns import Column
from modeling.encoding import fold
from modeling.labels import MOST, value_counts
from modeling.text_columns import distinct_texts
from modeling.words import (
    CONTACT,
    JOINED,
    KEY,
    KEY_ALONE,
    LABELS,
    LEAVING,
    LEFT,
    MONEY,
    MONTHLY,
    NOISE,
    NOT_A_PERIOD,
    PRICE,
    ROW,
    STAYED,
    TELLING,
    WHO,
    words_of,
)

NEARLY_UNIQUE = 0.9
NUMBERED = "row"

Columns = Mapping[str, Column]


def find_target(columns: Columns, choices: Choices) -> Decision:
    """The column that says who left. Raises UserError, with candidates, when the names do not tell."""
    if choices.target:
        return Decision("target", choices.target, "you chose it")
    scores = {name: _target_score(column) for name, column in columns.items()}
    best = _best(scores)
    if not best or not all(_same_label(columns[best[0]], columns[other]) for other in best[1:]):
        raise UserError(_which_target(columns, best), field="target")
    return Decision("target", best[0], "by its name and its values; --target COL chooses another")


def _best(scores: Mapping[str, int]) -> list[str]:
    """The names with the highest score above zero, in the order of the table."""
    top = max(scores.values(), default=0)
    return [name for name, score in scores.items() if score == top > 0]


def _target_score(column: Column) -> int:
    """3 for a name that says nothing but "left", 2 for one that says it, 1 for one that may, 0 for none."""
    if not _may_be_label(column):
        return 0
    words = words_of(column.name)
    if words & LEAVING or "churn" in fold(column.name) or "attrit" in fold(column.name):
        return 3 if words - NOISE <= LEAVING else 2
    return int(bool(words & LABELS) and words <= NOISE | LABELS)


def _may_be_label(column: Column) -> bool:
    if column.kind == "date" or column.distinct() > MOST:
        return False
    words = {fold(text) for text in value_counts(column)}
    return len(words) == 2 or bool(words & TELLING) or (len(words) > 2 and words <= LEFT | STAYED)


def _same_label(one: Column, other: Column) -> bool:
    """Whether two columns of two values part the customers alike."""
    if one.distinct() != 2 or other.distinct() != 2 or not np.array_equal(one.gaps, other.gaps):
        return False
    first, second = one.cells[~one.gaps], other.cells[~other.gaps]
    alike = (first == first[0]) == (second == second[0])
    return bool(alike.all())


def _which_target(columns: Columns, best: list[str]) -> str:
    if best:
        return f"several columns may say who left: {', '.join(best)}; choose with --target COL"
    pairs = [name for name, column in columns.items() if column.distinct() == 2]
    listed = f"; columns of two values: {', '.join(pairs[:12])}" if pairs else ", and no column has two values"
    return f"no column is named like a churn label{listed}; choose with --target COL"


def find_id(table: pa.Table, target: str, choices: Choices) -> Decision:
    """The column that names the customers; `NUMBERED` when there is none and the rows are counted instead."""
    if choices.id:
        return Decision("id", choices.id, "you chose it")
    scores = {name: _id_score(name) for name in table.column_names if name != target}
    unique = {name: _uniqueness(table[name]) if score else 0.0 for name, score in scores.items()}
    best = _best({name: score * (unique[name] == 1) for name, score in scores.items()})
    nearly = _best({name: score * (unique[name] >= NEARLY_UNIQUE) * (score > 1) for name, score in scores.items()})
    if best:
        return Decision("id", best[0], "by its name, and no value comes twice; --id COL chooses another")
    if nearly:
        return Decision("id", nearly[0], "by its name, and hardly a value comes twice; --id COL chooses another")
    why = "no column is named like an id with no value twice, so customers are counted 1, 2, 3; --id COL names them"
    return Decision("id", NUMBERED, why)


def _id_score(name: str) -> int:
    words = words_of(name)
    if words & ROW:
        return 0
    if JOINED.fullmatch(fold(name)) or (words & WHO and words & KEY):
        return 3
    return 2 if words & KEY_ALONE else int(bool(words & (WHO | CONTACT)))


def _uniqueness(cells: pa.ChunkedArray) -> float:
    """The share of rows that another value would not be missed in: 1 when all are filled and different."""
    texts, _ = distinct_texts(cells) if _readable(cells) else ([""], None)
    return sum(text != "" for text in texts) / len(cells)


def _readable(cells: pa.ChunkedArray) -> bool:
    return not pa.types.is_nested(cells.type) and not pa.types.is_binary(cells.type)


def find_value(columns: Columns, taken: Iterable[str], choices: Choices) -> Decision | None:
    """The column with the money that a customer pays a period, by name; None when no name says so.

    Raises UserError when the chosen column holds no numbers.
    """
    if choices.value:
        return _checked_value(columns, choices.value)
    fits: Callable[[Column], bool] = lambda c: c.kind == "number" and c.name not in taken and _is_amount(c)  # noqa: E731
    best = _best({name: _value_score(name) if fits(column) else 0 for name, column in columns.items()})
    if not best:
        return None
    why = "by its name, taken for what a customer pays a period; --value COL chooses another"
    return Decision("value", best[0], why)


def _checked_value(columns: Columns, name: str) -> Decision:
    if name not in columns or columns[name].kind != "number":
        raise UserError(f"column {name} holds no numbers; choose one of amounts with --value COL", field=name)
    return Decision("value", name, "you chose it")


def _is_amount(column: Column) -> bool:
    filled = column.cells[~column.gaps]
    return len(filled) > 0 and bool((filled >= 0).all()) and column.distinct() > 2


def _value_score(name: str) -> int:
    words = words_of(name)
    if words & NOT_A_PERIOD or not words & MONEY:
        return 0
    return 2 if words & MONTHLY else int(bool(words & PRICE))
