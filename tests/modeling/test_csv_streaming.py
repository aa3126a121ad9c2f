"""Separated text is read row by row, whatever its encoding and separator."""

import io

import pytest

from helpers.errors import UserError
from modeling.csv_streaming import form_of, rows_of


def read(content: bytes) -> list[list[str]]:
    stream = io.BytesIO(content)
    return list(rows_of(stream, form_of(stream, "it"), "it"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_form_is_judged_by_the_bytes(encoding: str, separator: str) -> None:
    text = "id|city\n1|Köln\n\n2|São Paulo\n".replace("|", separator)
    assert read(text.encode(encoding)) == [["id", "city"], ["1", "Köln"], ["2", "São Paulo"]]


def test_a_late_byte_decides_the_encoding() -> None:
    content = b"id,city\n" + b"1,Rome\n" * 300_000 + "2,Köln\n".encode("cp1252")
    assert read(content)[-1] == ["2", "Köln"]


def test_cells_may_hold_lines_and_separators() -> None:
    assert read(b'id,note\r\n1,"a, b\r\nc"\r\n') == [["id", "note"], ["1", "a, b\r\nc"]]


def test_rows_without_a_value_are_passed_over() -> None:
    assert read(b"id;a\n1;2\n;\n ; \n") == [["id", "a"], ["1", "2"]]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "it is empty"),
        (b"\n \n", "it is empty"),
        (b"a\nb\n", "one column only"),
        (b"a,b\n1,2\n3\n", "it, line 3: 1 cells where the header has 2; mend the line"),
        (b'a,b,c\n1,"2\n3,4\n', "lines 2 to 3: 2 cells where the header has 3; close the quotation mark"),
        (b"a,b\n" + b"1,2\n" * 300_000 + b'3,"' + b"x" * 200_000, "close the quotation mark"),
        (b"\xff\xfea", "not utf-16 as its first bytes say"),
        (b"a,\x00\n1,2\n", "is not text"),
    ],
)
def test_what_is_no_table_is_told(content: bytes, told: str) -> None:
    with pytest.raises(UserError, match=told):
        read(content)


def test_the_stream_stays_open() -> None:
    stream = io.BytesIO(b"a,b\n1,2\n")
    form = form_of(stream, "it")
    assert list(rows_of(stream, form, "it")) == list(rows_of(stream, form, "it"))
