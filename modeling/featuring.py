"""Describes the columns that are left as the features of a schema."""

from datetime import date

import numpy as np
import numpy.typing as npt

from modeling.columns import Column
from modeling.schema import Feature, Value
from modeling.texts import frequent

LISTED = 10

Flags = npt.NDArray[np.bool_]


def feature_of(column: Column, left: Flags, *, strict: bool = False) -> Feature:
    """The feature: its kind, whether it has gaps, its usual values. `left` has shape (N,).

    With `strict` rare categories are learned like the others, since a request may hold no unknown ones.
    """
    filled = column.cells[~column.gaps]
    number = column.kind == "number"
    return Feature(
        name=column.name,
        kind=column.kind,
        nullable=bool(column.gaps.any()),
        categories=_categories(column, left, strict),
        default=_usual(column),
        minimum=float(filled.min()) if number else None,
        maximum=float(filled.max()) if number else None,
        integer=number and column.integer,
        description=_description(column, strict),
    )


def _categories(column: Column, left: Flags, strict: bool) -> tuple[str, ...]:
    """The categories to learn. The one whose churn rate is nearest to everyone's comes first, because a category
    that training did not know is treated like its neighbour; the others follow by frequency, not by churn rate,
    which would tell a model about the rows that it is tested on."""
    if column.kind != "category":
        return ()
    places = _learned(column, strict)
    rates = [left[column.cells == place].mean() for place in places]
    nearest = min(range(len(places)), key=lambda i: abs(rates[i] - left.mean()), default=0)
    ordered = places[nearest : nearest + 1] + places[:nearest] + places[nearest + 1 :]
    return tuple(column.labels[place] for place in ordered)


def _learned(column: Column, strict: bool) -> list[int]:
    """The places of the labels that get a code of their own, most frequent first."""
    if not strict:
        return frequent(column)
    counts = column.counts()
    return [int(place) for place in np.argsort(-counts, kind="stable") if counts[place]]


def _usual(column: Column) -> Value:
    """The median of numbers and dates, a value that occurs; the most frequent of the others."""
    filled = np.sort(column.cells[~column.gaps])
    if not len(filled):
        return None
    cells, counts = np.unique(filled, return_counts=True)
    middle = filled[len(filled) // 2]
    usual = middle if column.kind in {"number", "date"} else cells[counts.argmax()]
    value: Value = column.spelling()(float(usual))
    return value


def _description(column: Column, strict: bool) -> str:
    filled = column.cells[~column.gaps]
    gaps = f"; missing in {column.gaps.mean():.1%} of the rows" if column.gaps.any() else ""
    if column.kind == "number":
        return f"A number, from {filled.min():g} to {filled.max():g} in the training table{gaps}."
    if column.kind == "date":
        return f"A date, YYYY-MM-DD, from {_iso(filled.min())} to {_iso(filled.max())} in the training table{gaps}."
    if column.kind == "boolean":
        return f"true or false{gaps}."
    known = [column.labels[place] for place in _learned(column, strict)]
    more = f" and {len(known) - LISTED} more" if len(known) > LISTED else ""
    return f"{', '.join(known[:LISTED])}{more}; any other is {'refused' if strict else 'scored as unknown'}{gaps}."


def _iso(day: float) -> str:
    return date.fromordinal(int(day)).isoformat()


def newest_date(columns: list[Column]) -> str | None:
    """The newest date of all date columns, from which days are counted back; None without dates."""
    newest = [float(np.nanmax(column.cells)) for column in columns if column.kind == "date"]
    return _iso(max(newest)) if newest else None
