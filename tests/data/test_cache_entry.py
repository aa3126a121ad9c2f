"""What is read back is what was written for that key in that format, or nothing."""

import random
from typing import get_args

import pytest

from data.cache_entry import Entry, EntryFormat, Format

ENTRY = Entry({"probability": 0.123456789012345678, "reasons": [{"feature": "Æ", "effect": -0.1}], "n": None}, 1.5e9)
FORMATS = get_args(Format)


@pytest.fixture(params=FORMATS)
def form(request: pytest.FixtureRequest) -> EntryFormat:
    return EntryFormat(request.param)


def test_an_entry_comes_back_bit_for_bit(form: EntryFormat) -> None:
    assert form.read("key", form.write("key", ENTRY)) == ENTRY


def test_a_truncated_entry_is_none(form: EntryFormat) -> None:
    written = form.write("key", ENTRY)
    assert [form.read("key", written[:length]) for length in range(len(written))] == [None] * len(written)
    assert form.read("key", written + b"\0") is None


def test_an_entry_with_any_bit_turned_is_none(form: EntryFormat) -> None:
    written = form.write("key", ENTRY)
    for place in range(8 * len(written)):
        spoiled = bytearray(written)
        spoiled[place // 8] ^= 1 << place % 8
        assert form.read("key", bytes(spoiled)) is None


def test_random_bytes_are_none(form: EntryFormat) -> None:
    draw = random.Random(7)
    assert not any(form.read("key", draw.randbytes(draw.randrange(200))) for _ in range(20_000))


def test_another_key_or_format_reads_nothing(form: EntryFormat) -> None:
    written = form.write("key", ENTRY)
    assert form.read("other", written) is None
    assert [EntryFormat(other).read("key", written) for other in FORMATS if other != form.name] == [None] * 3


@pytest.mark.parametrize("body", [b"", b"\xc1", b"{", b"\x81\x90\xc0", b"x\x9c\x03\x00", b"[" * 100_000])
def test_a_sealed_entry_that_says_nothing_is_none(form: EntryFormat, body: bytes) -> None:
    sealed = b"\0" * 8 + body
    assert form.read("key", form._checksum("key", sealed) + sealed) is None
