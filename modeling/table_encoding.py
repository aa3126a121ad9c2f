"""A whole table of customers as the model's input, read column by column."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from helpers.errors import UserError
from modeling.columns import Column
from modeling.encoding import Codes
from modeling.inference import infer_all
from modeling.parsing import NO_VALUE, parse_dates, parse_numbers
from modeling.schema import Feature, TableSchema
from modeling.text_columns import distinct_texts

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

TRUTHS = {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0}


@dataclass(frozen=True, slots=True)
class EncodedTable:
    """`x` (N, F) as `Encoder` would make it of the same rows; `scorable` (N,) is false for rows that a request
    would be refused for. `missing` and `unknown` count, by feature, gaps and categories that training did not have."""

    x: Floats
    scorable: Flags
    missing: dict[str, int]
    unknown: dict[str, int]


def encode_table(table: pa.Table, schema: TableSchema) -> EncodedTable:
    """Reads text as training does. Raises UserError for a column that is not there and had no gaps in training."""
    lost = [f.name for f in schema.features if f.name not in table.column_names and not f.nullable]
    if lost:
        raise UserError(f"the table has no column {lost[0]!r}, which the model needs; add it", lost[0])
    found, _ = infer_all(table.select([name for name in schema.names if name in table.column_names]))
    rows = table.num_rows
    x, scorable = np.empty((rows, len(schema.features)), np.float32), np.ones(rows, np.bool_)
    missing: dict[str, int] = {}
    unknown: dict[str, int] = {}
    for place, feature in enumerate(schema.features):
        x[:, place], gaps = _column(feature, table, found.get(feature.name), schema)
        others = _others(feature, x[:, place]) & ~gaps
        missing[feature.name], unknown[feature.name] = int(gaps.sum()), int(others.sum())
        scorable &= ~(gaps & (not feature.nullable)) & ~(others & schema.strict)
    return EncodedTable(x, scorable, _counted(missing), _counted(unknown))


def _column(feature: Feature, table: pa.Table, found: Column | None, schema: TableSchema) -> tuple[Floats, Flags]:
    """The model's numbers for one feature, and where the table has a gap."""
    if feature.kind == "category":
        return _categories(feature, table)
    if feature.name not in table.column_names:
        cells = np.full(table.num_rows, np.nan)
    elif found is not None and found.kind == feature.kind:
        cells = found.cells
    else:
        cells = _reread(feature, table)
    if feature.kind == "date":
        cells = date.fromisoformat(schema.reference_date or "1970-01-01").toordinal() - cells
    return cells.astype(np.float32), np.isnan(cells)


def _categories(feature: Feature, table: pa.Table) -> tuple[Floats, Flags]:
    codes = Codes(feature)
    if feature.name not in table.column_names:
        return np.full(table.num_rows, codes.gap, np.float32), np.ones(table.num_rows, np.bool_)
    texts, slots = distinct_texts(table[feature.name])
    gaps = np.array([text.lower() in NO_VALUE for text in texts])
    numbers = [codes[None if gap else text] for text, gap in zip(texts, gaps, strict=True)]
    return np.array(numbers, np.float32)[slots], gaps[slots]


def _reread(feature: Feature, table: pa.Table) -> Doubles:
    """The cells of a column that looks like something else in this table: all of it blank, say."""
    texts, slots = distinct_texts(table[feature.name])
    if feature.kind == "date":
        read: Sequence[float | None] = parse_dates(texts)[0]
    elif feature.kind == "boolean":
        read = [TRUTHS.get(text.lower()) for text in texts]
    else:
        read = parse_numbers(texts, comma=False)
    return np.array(read, np.float64)[slots]


def _others(feature: Feature, column: Floats) -> Flags:
    other = Codes(feature).other if feature.kind == "category" else np.nan
    return np.asarray(column == np.float32(other), np.bool_)


def _counted(counts: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}
