"""A table of what became of clients: its good rows are recorded, and each other one has its reason."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Engine

from helpers.clock import Clock
from modeling.reading import read_file
from services.outcome_cells import CHURNED, Choices, Columns, Row, champion_id_column, find_columns, read_batches
from services.outcomes import ANOTHER_CLIENT, Report, record

SOURCE = "import"
STATUSES = ("recorded", "known", "waiting", "refused")
WORDS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
UNKNOWN_WORD = "must be yes, no, true, false, 1 or 0"


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """`row` counts from 1 below the line of names."""

    row: int
    column: str
    why: str


@dataclass(frozen=True, slots=True)
class Imported:
    """How many rows there were, and what became of them; see `services.outcomes.Receipt`."""

    file: str
    rows: int
    recorded: int
    known: int
    waiting: int
    refused: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def import_outcomes(
    engine: Engine,
    clock: Clock,
    path: Path,
    choices: Choices,
    *,
    progress: Callable[[int, int], None],
    refused: Callable[[RefusedRow], None],
) -> Imported:
    """Records the outcomes that a .csv or .parquet file tells of. `progress` is called with (rows done, all rows),
    `refused` with each row that is not recorded. A file imported again changes nothing.

    Raises UserError for a file that is no such table, SQLAlchemyError when the database fails: what was recorded until
    then stays, and the file may be imported again.
    """
    table = read_file(path).table
    with engine.connect() as connection:
        champion_id = champion_id_column(connection)
    columns = find_columns(table.column_names, choices, champion_id, clock.now())
    counts: Counter[str] = Counter()
    for rows in read_batches(table, columns):
        for told in _record(engine, clock, rows, columns, counts.total()):
            counts["refused" if isinstance(told, RefusedRow) else told] += 1
            if isinstance(told, RefusedRow):
                refused(told)
        progress(counts.total(), table.num_rows)
    return Imported(path.name, counts.total(), **{name: counts[name] for name in STATUSES})


def _record(
    engine: Engine, clock: Clock, rows: Sequence[Row], columns: Columns, before: int
) -> Iterator[str | RefusedRow]:
    """Records a batch durably, and gives what became of each of its rows."""
    read = [_read(row, columns, number, clock.now()) for number, row in enumerate(rows, start=before + 1)]
    receipts = iter(record(engine, clock, [each for each in read if isinstance(each, Report)], SOURCE))
    for number, each in enumerate(read, start=before + 1):
        if isinstance(each, RefusedRow):
            yield each
        else:
            status = next(receipts).status
            yield RefusedRow(number, columns.named("client_id"), ANOTHER_CLIENT) if status == "refused" else status


def _read(row: Row, columns: Columns, number: int, now: datetime) -> Report | RefusedRow:
    churned = WORDS.get(row.get(CHURNED, "").casefold())
    if churned is None:
        return RefusedRow(number, columns.named(CHURNED), UNKNOWN_WORD)
    try:
        return Report.model_validate({**row, CHURNED: churned}, context={"now": now})
    except ValidationError as error:
        first = error.errors()[0]
        return RefusedRow(number, columns.named(str(first["loc"][0])), first["msg"])
