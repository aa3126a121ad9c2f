"""The form of separated text: its encoding, its separator, and what is wrong with a line of it."""

import codecs
import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterator
from typing import Protocol

from helpers.errors import UserError

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
SAMPLE_ROWS = 200
SAMPLE = 1_000_000  # characters
MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
UNMARKED = ("utf-8", "cp1252", "latin-1")  # the first that fits; the last always does
UNPRINTABLE = r"[\x00-\x1f\x7f-\x9f]"


class Reader(Protocol):
    """What `csv.reader` gives."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...


def find_separator(text: str, name: str) -> str:
    """The separator under which most of the first rows are as long as the header; the longest header wins.

    Raises UserError when there is none.
    """
    best = max(SEPARATORS, key=lambda separator: _evenness(text, separator))
    if _evenness(text, best) == (0.0, 0):
        raise UserError(f"{name} has one column only; separate columns by comma, semicolon, tab or |")
    return best


def first_rows(text: str, separator: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text[:SAMPLE]), delimiter=separator)


def checked(reader: Reader, name: str) -> Iterator[list[str]]:
    """Its rows. Raises UserError where a quotation mark is never closed, so that a cell does not end."""
    try:
        yield from reader
    except csv.Error as error:
        why = f"{error}; close the quotation mark that opens before it"
        raise UserError(f"{name}, line {reader.line_num}: {why}") from error


def fault(row: list[str], start: int, end: int, expected: int, separator: str) -> str:
    """What is wrong with a row from line `start` to `end` that does not have `expected` cells."""
    found = f"{len(row)} cells where the header has {expected}"
    if end > start:
        return f"lines {start} to {end}: {found}; close the quotation mark that opens in line {start}"
    called = SEPARATORS[separator]
    return f"line {end}: {found}; mend the line (put quotes around a cell that holds the {called})"


def column_names(header: list[str], table: str) -> list[str]:
    """The names, tidied. Raises UserError for names that are missing, or that cannot be told apart."""
    names = [" ".join(re.sub(UNPRINTABLE, " ", name).split()) for name in header]
    _refuse_nameless(names, table)
    _refuse_twice(names, table)
    return names


def _evenness(text: str, separator: str) -> tuple[float, int]:
    try:
        lengths = [len(row) for row in itertools.islice(first_rows(text, separator), SAMPLE_ROWS) if row]
    except csv.Error:
        return 0.0, 0
    if lengths[0] < 2:
        return 0.0, 0
    return round(lengths.count(lengths[0]) / len(lengths), 1), lengths[0]


def _refuse_nameless(names: list[str], table: str) -> None:
    if "" in names:
        raise UserError(
            f"{table}: column {names.index('') + 1} has no name in the header; name it, "
            "or leave it out if it only counts the rows (in pandas: to_csv(index=False))"
        )
    if all(re.fullmatch(r"[-+0-9.,eE]+", name) for name in names):
        raise UserError(f"{table}: the first line holds numbers, not column names; add a line of names")


def _refuse_twice(names: list[str], table: str) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UserError(f"{table}: two columns are called {twice[0]!r}; rename one of them", field=twice[0])
