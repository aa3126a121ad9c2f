"""Reads separated text from a stream row by row, so that a file of any size takes no memory."""

import codecs
import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from helpers.errors import UserError
from modeling.csv_form import MARKS, SAMPLE, UNMARKED, checked, fault, find_separator

BLOCK = 1 << 20  # bytes


@dataclass(frozen=True, slots=True)
class Form:
    """How a file is written."""

    encoding: str
    separator: str


def form_of(stream: BinaryIO, name: str) -> Form:
    """The form that the whole file fits. Raises UserError when it is empty, or no table of text."""
    encoding = _encoding(stream)
    with _text(stream, encoding) as text:
        sample = text.read(SAMPLE).lstrip("\n\r")
    if not sample.strip():
        raise UserError(f"{name} is empty; a table needs a line of column names and a line for each customer")
    if "\0" in sample:
        raise UserError(f"{name} is not text; save the table as CSV in UTF-8")
    return Form(encoding, find_separator(sample, name))


def rows_of(stream: BinaryIO, form: Form, name: str) -> Iterator[list[str]]:
    """The header, then each row, all of its length; blank lines are passed over.

    Raises UserError naming the line where a row is of another length.
    """
    expected, start = 0, 1
    with _text(stream, form.encoding) as text:
        reader = csv.reader(text, delimiter=form.separator)
        for row in checked(reader, name):
            if any(cell and not cell.isspace() for cell in row):
                expected = expected or len(row)
                if len(row) != expected:
                    raise UserError(f"{name}, {fault(row, start, reader.line_num, expected, form.separator)}")
                yield row
            start = reader.line_num + 1


@contextmanager
def _text(stream: BinaryIO, encoding: str) -> Iterator[io.TextIOWrapper]:
    """The stream from its beginning as text; it stays open."""
    stream.seek(0)
    text = io.TextIOWrapper(stream, encoding, newline="")
    try:
        yield text
    finally:
        text.detach()


def _encoding(stream: BinaryIO) -> str:
    stream.seek(0)
    start = stream.read(4)
    marked = next((label for mark, label in MARKS if start.startswith(mark)), "")
    if marked and not _fits(stream, marked):
        raise UserError(f"the file is not {marked} as its first bytes say; save it as UTF-8")
    return marked or next(label for label in UNMARKED if _fits(stream, label))


def _fits(stream: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    stream.seek(0)
    try:
        while block := stream.read(BLOCK):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
