"""`flask outcomes`: what became of clients."""

import csv
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from app_settings import load_settings
from data.engine import build_engine, ping
from helpers.clock import SystemClock
from helpers.errors import UserError
from helpers.spreadsheets import harmless
from jobs.commands.reporting import reported
from services.outcome_cells import Choices
from services.outcome_import import Imported, RefusedRow, import_outcomes

SHOWN = 20
LINE = ("row", "column", "why")


@click.group("outcomes")
def command() -> None:
    """Tell what became of clients."""


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--client-id", metavar="COL", help="The column that names the client, where it is not client_id.")
@click.option("--churned", metavar="COL", help="The column that says who left, where it is not churned.")
@click.option(
    "--observed-at", metavar="COL|DATE", help="The column that says when that was seen, or one date for all rows."
)
@click.option("--refused", metavar="CSV", type=click.Path(path_type=Path), help="Write every refused row here.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for another program.")
@reported
def import_file(
    file: Path,
    client_id: str | None,
    churned: str | None,
    observed_at: str | None,
    refused: Path | None,
    as_json: bool,
) -> None:
    """Record the outcomes in FILE, .csv or .parquet: client_id or prediction_id, churned, observed_at.

    churned is yes, no, true, false, 1 or 0; observed_at a date, or a time with its zone. Each row is recorded or has
    its reason; importing a file again changes nothing.
    """
    with _refusals(refused) as found:
        done = _imported(file, Choices(client_id, churned, observed_at), found)
    if as_json:
        click.echo(json.dumps({**done.as_dict(), "refusals": [_line(each) for each in found.first]}))
    else:
        click.echo(_told(done, found.first, refused))
    if done.refused == done.rows:
        raise UserError(f"no row of {file.name} could be recorded")


class _Refusals:
    """Keeps the first rows to show, and writes all of them where that is wanted."""

    def __init__(self, writer: Any) -> None:
        self.first: list[RefusedRow] = []
        self._writer = writer

    def __call__(self, row: RefusedRow) -> None:
        if len(self.first) < SHOWN:
            self.first.append(row)
        if self._writer is not None:
            self._writer.writerow([harmless(value) for value in _line(row).values()])


@contextmanager
def _refusals(path: Path | None) -> Iterator[_Refusals]:
    if path is None:
        yield _Refusals(None)
        return
    try:
        file = path.open("w", newline="", encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}", "refused") from error
    with file:
        writer = csv.writer(file)
        writer.writerow(LINE)
        yield _Refusals(writer)


def _imported(file: Path, choices: Choices, refused: _Refusals) -> Imported:
    """Shows progress on standard error, and only to a person."""
    engine = build_engine(load_settings().database_address())
    ping(engine)
    with click.progressbar(length=1, label="Importing", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:

        def progress(done: int, rows: int) -> None:
            bar.length = rows
            bar.update(done - bar.pos)

        return import_outcomes(engine, SystemClock(), file, choices, progress=progress, refused=refused)


def _line(row: RefusedRow) -> dict[str, Any]:
    return dict(zip(LINE, (row.row, row.column, row.why), strict=True))


def _told(done: Imported, first: list[RefusedRow], everything: Path | None) -> str:
    lines = [
        f"{done.recorded:,} of {done.rows:,} rows recorded.",
        f"{done.known:,} were known already." if done.known else "",
        f"{done.waiting:,} wait for the predictions that they name." if done.waiting else "",
        f"{done.refused:,} refused:" if done.refused else "",
        *(f"  row {each.row}, {each.column}: {each.why}" for each in first),
    ]
    if done.refused > len(first):
        where = f"{everything} has them all" if everything else "--refused FILE.csv lists them all"
        lines.append(f"  and {done.refused - len(first):,} more; {where}")
    return "\n".join(filter(None, lines))
