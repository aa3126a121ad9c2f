"""From an uploaded file to chunks of rows that wait to be scored."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from sqlalchemy import Engine

from data import scoring_store
from data.columns import strict_json
from data.scoring_store import RECEIVING, RUNNING, Job
from helpers.clock import Clock
from helpers.errors import UserError
from helpers.ids import new_id
from modeling.csv_form import column_names
from modeling.csv_streaming import Form, form_of, rows_of
from modeling.features import TableSchema
from modeling.parsing import tidied
from services import audit
from services.scoring_jobs.cells import Cells, Columns, Spelling, find_columns

ROWS_A_CHUNK = 1_000
BYTES_A_CHUNK = 1_000_000  # as JSON in UTF-8, to which one row may add; servers take 16 MB at a time, escaped
LONGEST_ROW = 1_000_000  # characters, each of at most 7 bytes there
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Checked:
    """A file that can be scored: its form, its columns, how it spells, and how many rows it has."""

    form: Form
    columns: Columns
    spelling: Spelling
    rows: int


def take_in(engine: Engine, clock: Clock, schema: TableSchema, stream: BinaryIO, file_name: str, author: str) -> Job:
    """Keeps the rows of the file, to be scored from now on. The file is read twice, and never whole.

    Raises UserError, naming the column or the line, when it is no table that the model can score; SQLAlchemyError when
    the database fails: nothing of it is scored then.
    """
    name = tidied(file_name)[-LONGEST_NAME:] or "customers.csv"
    checked = _check(stream, name, schema)
    job = Job(new_id(), clock.now(), author, name, RECEIVING, checked.rows, list(checked.columns.unused))
    with engine.begin() as connection:
        scoring_store.add(connection, job)
    for number, cells in enumerate(_chunks(stream, name, checked)):
        with engine.begin() as connection:  # one each: the ledger's writers need their turns
            scoring_store.add_chunk(connection, job.job_id, number, len(cells.rows), cells.as_dict())
    with engine.begin() as connection:
        scoring_store.turn(connection, job.job_id, [RECEIVING], RUNNING)
        audit.note(connection, clock.now(), author, "file_uploaded", job.job_id, file=name, rows=str(checked.rows))
    return job


def _check(stream: BinaryIO, name: str, schema: TableSchema) -> Checked:
    form = form_of(stream, name)
    rows = rows_of(stream, form, name)
    columns = find_columns(column_names(next(rows), name), schema)
    features = {feature.name: feature for feature in schema.features if feature.kind in ("number", "date")}
    judged = [
        (place, features[column])
        for column, place in zip(columns.names, columns.places, strict=True)
        if column in features
    ]
    spelling, count = Spelling(), 0
    for row in rows:
        count += 1
        if sum(len(row[place]) for place in columns.places) > LONGEST_ROW:
            raise UserError(f"{name}, row {count:,} holds more than {LONGEST_ROW:,} characters; shorten its cells")
        for place, feature in judged:
            spelling.seen(feature, row[place])
    if not count:
        raise UserError(f"{name} has column names but no rows; add a row for each customer")
    return Checked(form, columns, spelling, count)


def _chunks(stream: BinaryIO, name: str, checked: Checked) -> Iterator[Cells]:
    rows = rows_of(stream, checked.form, name)
    next(rows)
    columns, first = checked.columns, 1
    kept: list[list[str]] = []
    size = 0
    for row in rows:
        kept.append([row[place] for place in columns.places])
        size += len(strict_json(kept[-1]).encode())
        if len(kept) == ROWS_A_CHUNK or size >= BYTES_A_CHUNK:
            yield _cells(checked, first, kept)
            first, kept, size = first + len(kept), [], 0
    if kept:
        yield _cells(checked, first, kept)


def _cells(checked: Checked, first: int, rows: Sequence[Sequence[str]]) -> Cells:
    return Cells(checked.columns.names, checked.spelling.comma, checked.spelling.month_first, first, rows)
