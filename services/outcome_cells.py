"""Which columns of a table tell what became of clients, and their cells as text, a thousand rows at a time."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
from sqlalchemy import Connection

from data import model_store
from data.config_store import newest_rows
from experiments.plan import CHAMPION
from helpers.errors import UserError
from services.config.reading import read_config
from services.instants import read_instant

ROWS_A_BATCH = 1_000
CLIENT, PREDICTION, CHURNED, OBSERVED_AT = "client_id", "prediction_id", "churned", "observed_at"
_WHOLE = re.compile(r"^([0-9]+)\.0+$")

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Choices:
    """Names of columns where they are not the usual ones; `observed_at` may also be one date or time for all rows."""

    client_id: str | None = None
    churned: str | None = None
    observed_at: str | None = None


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column holds each field, and the fields that are the same in every row."""

    by_field: Mapping[str, str]
    constant: Mapping[str, str]

    def named(self, field: str) -> str:
        """The column to look into when this field is at fault."""
        stands_in = self.by_field.get(PREDICTION, field) if field == CLIENT else field
        return self.by_field.get(field, stands_in)


def find_columns(names: list[str], choices: Choices, champion_id: str | None, now: datetime) -> Columns:
    """Raises UserError, naming the field and the fix, where the table lacks a column."""
    found = {CHURNED: _column(names, choices.churned or CHURNED, CHURNED, "--churned COL names it")}
    client = choices.client_id or next((name for name in (CLIENT, champion_id) if name in names), None)
    if client is not None:
        found[CLIENT] = _column(names, client, CLIENT, "")
    if PREDICTION in names:
        found[PREDICTION] = PREDICTION
    if not {CLIENT, PREDICTION} & set(found):
        _column(names, CLIENT, CLIENT, "nor prediction_id; --client-id COL names the column of the client's id")
    told = choices.observed_at or OBSERVED_AT
    constant = {} if told in names else _one_for_all(names, told, now)
    return Columns(found if constant else {**found, OBSERVED_AT: told}, constant)


def champion_id_column(connection: Connection) -> str | None:
    """The id column of the table that the champion learned from: exports of that table are likely to have it."""
    config = read_config(newest_rows(connection), lambda found: found).built
    name, _, version = config.aliases.get(CHAMPION, "").partition("@")
    champion = model_store.find(connection, name, version)
    return champion.card.get("id") if champion else None


def read_batches(table: pa.Table, columns: Columns) -> Iterator[list[Row]]:
    """Each row's cells by field, trimmed, without those that are empty."""
    fields = list(columns.by_field)
    chosen = table.select(list(columns.by_field.values()))
    for batch in chosen.to_batches(max_chunksize=ROWS_A_BATCH):
        texts = [_texts(batch.column(place), name) for place, name in enumerate(columns.by_field.values())]
        yield [
            {**columns.constant, **{field: cell for field, cell in zip(fields, cells, strict=True) if cell}}
            for cells in zip(*texts, strict=True)
        ]


def _column(names: list[str], wanted: str, field: str, hint: str) -> str:
    if wanted not in names:
        has = ", ".join(names[:12])
        raise UserError("; ".join(filter(None, (f"the table has no column {wanted!r}", hint, f"it has {has}"))), field)
    return wanted


def _one_for_all(names: list[str], told: str, now: datetime) -> dict[str, str]:
    try:
        read_instant(told, now)
    except ValueError:
        _column(names, told, OBSERVED_AT, "--observed-at names it, or is one date or time for all rows")
    return {OBSERVED_AT: told}


def _texts(cells: pa.Array, column: str) -> list[str]:
    try:
        texts = _spellable(cells).cast(pa.string()).to_pylist()
    except pa.ArrowException as error:
        raise UserError(f"column {column} holds what is neither text, number nor time: {error}", column) from error
    return [_WHOLE.sub(r"\1", text.strip()) if text else "" for text in texts]


def _spellable(cells: pa.Array) -> pa.Array:
    """Times with their zone, and whole numbers without decimals: a gap makes pandas keep them as 7.0."""
    kind = cells.type
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return cells.cast(pa.timestamp(kind.unit, "UTC"))
    if pa.types.is_floating(kind):
        try:
            return cells.cast(pa.int64())
        except pa.ArrowInvalid:
            return cells
    return cells
