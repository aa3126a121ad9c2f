"""CSV files line by line, as they are asked for."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from helpers.spreadsheets import harmless

MARK = "\ufeff"
"""By which spreadsheets know UTF-8."""


def csv_lines(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The file, line by line, as it is asked for; the first line names the columns."""
    text = io.StringIO()
    writer = csv.writer(text)
    for row in _with_head(columns, rows):
        writer.writerow([harmless(value) for value in row])
        yield text.getvalue()
        text.seek(0)
        text.truncate()


def _with_head(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    yield columns
    yield from rows
