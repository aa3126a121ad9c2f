"""The front door of training: from a customer table to the arrays that models learn from."""

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from helpers.errors import UserError
from modeling.choices import Choices, Decision, Dropped
from modeling.columns import Column
from modeling.customers import read_ids, refuse_too_few, usable_rows
from modeling.encoding import Encoder, Floats
from modeling.featuring import feature_of, newest_date
from modeling.inference import infer_all
from modeling.labels import Labels, read_labels
from modeling.reading import Source, checked, read_file
from modeling.roles import find_id, find_target, find_value
from modeling.schema import TableSchema
from modeling.screening import screen
from modeling.twins import find_twins

__all__ = ["Choices", "Dataset", "Decision", "Dropped", "Source", "read_dataset"]

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Dataset:
    """A table ready for training; N customers, F features.

    `rows` holds what a request would hold, `x` (N, F) what the encoder makes of it, `y` (N,) 1 for those who
    left, `values` (N,) the money a period (NaN for a gap) or None, `groups` (N,) equal numbers for twins.
    """

    schema: TableSchema
    ids: list[str]
    rows: list[dict[str, Any]]
    x: Floats
    y: npt.NDArray[np.uint8]
    values: npt.NDArray[np.float64] | None
    groups: npt.NDArray[np.int64]
    dropped: tuple[Dropped, ...]
    decisions: tuple[Decision, ...]


@dataclass(frozen=True, eq=False)
class _Roles:
    """The columns with a meaning of their own, and the rows that are customers."""

    target: str
    id: str
    ids: list[str]
    values: npt.NDArray[np.float64] | None
    labels: Labels
    kept: Flags
    decisions: tuple[Decision, ...]


def read_dataset(source: str | Path | Source, choices: Choices) -> Dataset:
    """Reads a .csv, .tsv, .txt or .parquet file, or a table already read, and concludes the rest.

    Raises UserError, naming the column and the fix, when the table cannot be read or not be learned from.
    """
    found = checked(source) if isinstance(source, Source) else read_file(Path(source))
    _refuse_unknown(found.table.column_names, choices)
    columns, unreadable = infer_all(found.table)
    roles = _roles(found, columns, choices)
    left = roles.labels.left[roles.kept]
    candidates = [c.rows(roles.kept) for name, c in columns.items() if name not in {roles.target, roles.id}]
    screened = screen(candidates, left, choices)
    if not screened.kept:
        raise UserError(f"{found.name}: no column is left to learn from; see --keep")
    dropped = [Dropped(name, "lists, structures, bytes and times cannot be read") for name in unreadable]
    schema = _schema(found.name, roles, screened.kept, left, choices.strict)
    return _assembled(roles, schema, screened.kept, left, [*dropped, *screened.dropped])


def _roles(found: Source, columns: dict[str, Column], choices: Choices) -> _Roles:
    target = find_target(columns, choices)
    _refuse_unreadable(target.chosen, columns)
    labels = read_labels(columns[target.chosen], choices.positive)
    who = find_id(found.table, target.chosen, choices)
    ids = read_ids(found.table, who.chosen)
    kept, gone = usable_rows(ids, who.chosen, labels, list(columns.values()))
    refuse_too_few(labels.left[kept], target.chosen)
    value = find_value(columns, {target.chosen, who.chosen}, choices)
    money = value or Decision("value", "none", "no column is named like what a customer pays; --value COL chooses one")
    positive = Decision("positive", labels.positive, labels.why)
    decisions = (*found.decisions, target, positive, who, money, *gone)
    values = columns[value.chosen].cells[kept] if value else None
    return _Roles(target.chosen, who.chosen, ids, values, labels, kept, decisions)


def _schema(table: str, roles: _Roles, columns: list[Column], left: Flags, strict: bool) -> TableSchema:
    features = tuple(feature_of(column, left, strict=strict) for column in columns)
    return TableSchema(table, roles.id, roles.target, roles.labels.positive, features, newest_date(columns), strict)


def _assembled(
    roles: _Roles, schema: TableSchema, columns: list[Column], left: Flags, dropped: list[Dropped]
) -> Dataset:
    cells = [column.values() for column in columns]
    rows = [dict(zip(schema.names, values, strict=True)) for values in zip(*cells, strict=True)]
    twins = find_twins(_codes(columns), left)
    types = [Decision(f"column {c.name}", c.kind, c.note) for c in columns if c.note]
    return Dataset(
        schema=schema,
        ids=np.array(roles.ids, dtype=object)[roles.kept].tolist(),
        rows=rows,
        x=Encoder(schema).encode_many(rows),
        y=left.astype(np.uint8),
        values=roles.values,
        groups=twins.groups,
        dropped=tuple(dropped),
        decisions=(*roles.decisions, *types, Decision("twins", twins.found, twins.why)),
    )


def _codes(columns: list[Column]) -> npt.NDArray[np.int32]:
    """Equal numbers for equal cells, shape (N, F)."""
    places = [np.unique(column.cells, return_inverse=True, equal_nan=True)[1] for column in columns]
    return np.stack(places, axis=1).astype(np.int32)


def _refuse_unreadable(name: str, columns: dict[str, Column]) -> None:
    if name not in columns:
        raise UserError(f"column {name} holds lists, structures or bytes; choose the label with --target COL", name)


def _refuse_unknown(names: list[str], choices: Choices) -> None:
    """Raises UserError for a chosen column that the table does not have."""
    chosen = [name for name in (choices.target, choices.id, choices.value) if name]
    for name in (*chosen, *choices.drop, *choices.keep):
        if name not in names:
            near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(names[:12])}"
            raise UserError(f"the table has no column {name!r}; {hint}", field=name)
