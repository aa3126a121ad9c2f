"""Reads separated text whatever its encoding, separator and line ends: every cell as text."""

import codecs
import csv
import io
import itertools
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from pyarrow import csv as arrow_csv

from helpers.errors import UserError
from modeling.choices import Decision

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
SAMPLE_ROWS = 200
SAMPLE = 1_000_000  # characters
BLOCK = 1 << 24  # bytes; the longest row must fit into one block
LONGEST_CELL = 10_000_000
MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def read_csv(path: Path) -> tuple[pa.Table, list[Decision]]:
    """The table of text cells, gaps as empty text, and what was decided about its form.

    Raises UserError when the file is empty, is not text, or has rows of different lengths.
    """
    text, encoding = _decode(_read_bytes(path), path.name)
    separator = _separator(text, path.name)
    header = next(_rows(text, separator))
    table = _parse(text, separator, header, path.name)
    form = f"{encoding}, separated by {SEPARATORS[separator]}s"
    return table, [Decision("file", form, "judged by its bytes and its first lines")]


def _read_bytes(path: Path) -> bytes:
    with pa.input_stream(str(path), compression="detect") as stream:
        data: bytes = stream.read()
    return data


def _decode(data: bytes, name: str) -> tuple[str, str]:
    encoding = next((label for mark, label in MARKS if data.startswith(mark)), "") or _guess_encoding(data)
    try:
        text = data.decode(encoding).lstrip("\n\r")
    except UnicodeDecodeError as error:
        raise UserError(f"{name} is not {encoding} as its first bytes say; save it as UTF-8") from error
    if not text.strip():
        raise UserError(f"{name} is empty; a table needs a line of column names and a line for each customer")
    if "\0" in text:
        raise UserError(f"{name} is not text; save the table as CSV in UTF-8, or as Parquet")
    return text, encoding.removesuffix("-sig")


def _guess_encoding(data: bytes) -> str:
    for encoding in ("utf-8", "cp1252"):
        try:
            data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    return "latin-1"


def _separator(text: str, name: str) -> str:
    """The separator under which most of the first rows are as long as the header; the longest header wins."""
    best = max(SEPARATORS, key=lambda separator: _evenness(text, separator))
    if _evenness(text, best) == (0.0, 0):
        raise UserError(f"{name} has one column only; separate columns by comma, semicolon, tab or |")
    return best


def _evenness(text: str, separator: str) -> tuple[float, int]:
    try:
        lengths = [len(row) for row in itertools.islice(_rows(text, separator), SAMPLE_ROWS) if row]
    except csv.Error:
        return 0.0, 0
    if lengths[0] < 2:
        return 0.0, 0
    return round(lengths.count(lengths[0]) / len(lengths), 1), lengths[0]


def _rows(text: str, separator: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text[:SAMPLE]), delimiter=separator)


def _parse(text: str, separator: str, header: list[str], name: str) -> pa.Table:
    """All rows below the header. Column names are checked elsewhere: here they are numbers."""
    columns = [str(position) for position in range(len(header))]
    try:
        return arrow_csv.read_csv(
            pa.BufferReader(text.encode()),
            arrow_csv.ReadOptions(column_names=columns, skip_rows_after_names=1, block_size=BLOCK),
            arrow_csv.ParseOptions(delimiter=separator, newlines_in_values=True),
            arrow_csv.ConvertOptions(column_types=dict.fromkeys(columns, pa.string())),
        ).rename_columns(header)
    except pa.ArrowInvalid as error:
        raise UserError(_what_is_wrong(text, separator, len(header), name)) from error


def _what_is_wrong(text: str, separator: str, expected: int, name: str) -> str:
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(io.StringIO(text), delimiter=separator)
    start = 1
    for row in reader:
        if row and len(row) != expected:
            return f"{name}, {_fault(row, start, reader.line_num, expected, SEPARATORS[separator])}"
        start = reader.line_num + 1
    return f"{name} cannot be read as a table; save it again as CSV in UTF-8"


def _fault(row: list[str], start: int, end: int, expected: int, separator: str) -> str:
    found = f"{len(row)} cells where the header has {expected}"
    if end > start:
        return f"lines {start} to {end}: {found}; close the quotation mark that opens in line {start}"
    return f"line {end}: {found}; mend the line (put quotes around a cell that holds the {separator})"
