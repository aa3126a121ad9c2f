"""Concludes from a column's cells what kind of column it is."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from modeling.columns import Cells, Column, number_column
from modeling.parsing import NEWEST, OLDEST
from modeling.text_columns import distinct_texts, infer_text

EPOCH = 719_163  # the ordinal of 1970-01-01


def infer_all(table: pa.Table) -> tuple[dict[str, Column], list[str]]:
    """Every column that a model could read, by name, and the names of the others.

    When decimals follow a comma in one column for certain, they do so wherever a column leaves it open.
    """
    first = {name: infer(name, table[name]) for name in table.column_names}
    if any(column and column.comma for column in first.values()):
        first = {name: infer(name, table[name], comma=True) for name in table.column_names}
    return {n: c for n, c in first.items() if c}, [n for n, c in first.items() if c is None]


def infer(name: str, cells: pa.ChunkedArray, *, comma: bool = False) -> Column | None:
    """The column with its kind, or None for cells that no model reads: lists, structures, bytes, times.

    `comma` settles whether "1,234" is a decimal or a thousand, where the column alone cannot.
    """
    plain = cells.cast(cells.type.value_type) if types.is_dictionary(cells.type) else cells
    if _is_text(plain.type):
        return infer_text(name, *distinct_texts(plain), comma=comma)
    make = next((make for fits, make in MAKERS if fits(plain.type)), None)
    return make(name, plain) if make else None


def _is_text(kind: pa.DataType) -> bool:
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))


def _is_day(kind: pa.DataType) -> bool:
    return bool(types.is_date(kind) or types.is_timestamp(kind))


def _empty(name: str, cells: pa.ChunkedArray) -> Column:
    return Column(name, "category", np.full(len(cells), np.nan))


def _boolean(name: str, cells: pa.ChunkedArray) -> Column:
    return Column(name, "boolean", _floats(cells))


def _number(name: str, cells: pa.ChunkedArray) -> Column:
    return number_column(name, _floats(cells))


def _date(name: str, cells: pa.ChunkedArray) -> Column:
    """Years before 1900 and after 2199 stand for "never"."""
    days = _floats(cells.cast(pa.date32(), safe=False).cast(pa.int32())) + EPOCH
    return Column(name, "date", np.where((days >= OLDEST) & (days <= NEWEST), days, np.nan))


def _floats(cells: pa.ChunkedArray) -> Cells:
    """As numbers, NaN for null."""
    numbers = pc.fill_null(pc.cast(cells, pa.float64(), safe=False), pa.scalar(float("nan"), pa.float64()))
    return np.array(numbers.to_numpy(zero_copy_only=False), dtype=np.float64)


MAKERS: tuple[tuple[Callable[[pa.DataType], bool], Callable[[str, pa.ChunkedArray], Column]], ...] = (
    (types.is_null, _empty),
    (types.is_boolean, _boolean),
    (_is_number, _number),
    (_is_day, _date),
)
