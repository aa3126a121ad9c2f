"""Reads separated text whatever its encoding, separator and line ends: every cell as text."""

import csv
import io
from pathlib import Path

import pyarrow as pa
from pyarrow import csv as arrow_csv

from helpers.errors import UserError
from modeling.choices import Decision
from modeling.csv_form import MARKS, SEPARATORS, UNMARKED, checked, fault, find_separator, first_rows

BLOCK = 1 << 24  # bytes; the longest row must fit into one block


def read_csv(path: Path) -> tuple[pa.Table, list[Decision]]:
    """The table of text cells, gaps as empty text, and what was decided about its form.

    Raises UserError when the file is empty, is not text, or has rows of different lengths.
    """
    text, encoding = _decode(_read_bytes(path), path.name)
    separator = find_separator(text, path.name)
    header = next(first_rows(text, separator))
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
    for encoding in UNMARKED[:-1]:
        try:
            data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    return UNMARKED[-1]


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
    """Raises UserError itself where a quotation mark is never closed."""
    reader = csv.reader(io.StringIO(text), delimiter=separator)
    start = 1
    for row in checked(reader, name):
        if row and len(row) != expected:
            return f"{name}, {fault(row, start, reader.line_num, expected, separator)}"
        start = reader.line_num + 1
    return f"{name} cannot be read as a table; save it again as CSV in UTF-8"
