"""A record comes back exactly, and no damage passes for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.frames import frame, pieces

records = st.binary(max_size=60).map(lambda raw: raw.replace(b"\n", b"\\n"))


def read(content: bytes, *, sealed: bool = True) -> list[bytes | None]:
    return [piece.record for piece in pieces(content, 0, sealed=sealed)]


@given(st.lists(records, max_size=8))
def test_records_come_back_in_order(given_records: list[bytes]) -> None:
    content = b"".join(frame(record) for record in given_records)
    assert read(content) == given_records
    assert read(content, sealed=False) == given_records


def test_a_record_with_a_newline_is_refused() -> None:
    with pytest.raises(ValueError, match="newline"):
        frame(b"a\nb")


@pytest.mark.parametrize("cut", range(1, len(frame(b'{"n": 3}'))))
def test_a_tail_cut_at_any_byte_is_damage_when_sealed_and_awaited_when_not(cut: int) -> None:
    whole = frame(b'{"n": 1}') + frame(b'{"n": 2}')
    torn = whole + frame(b'{"n": 3}')[:cut]
    assert read(torn) == [b'{"n": 1}', b'{"n": 2}', None]
    assert read(torn, sealed=False) == [b'{"n": 1}', b'{"n": 2}']


@given(st.lists(records, min_size=1, max_size=5), st.data())
def test_one_changed_byte_costs_no_other_record(given_records: list[bytes], data: st.DataObject) -> None:
    lines = [frame(record) for record in given_records]
    victim = data.draw(st.integers(0, len(lines) - 1))
    at = data.draw(st.integers(0, len(lines[victim]) - 2))  # not its newline
    flipped = bytearray(lines[victim])
    flipped[at] ^= data.draw(st.integers(1, 255))
    content = b"".join([*lines[:victim], bytes(flipped), *lines[victim + 1 :]])
    survivors = [record for record in read(content) if record is not None]
    assert survivors == given_records[:victim] + given_records[victim + 1 :]


@given(st.lists(st.one_of(records.map(frame), st.binary(max_size=40)), max_size=8), st.booleans())
def test_every_byte_is_accounted_for(chunks: list[bytes], sealed: bool) -> None:
    content = b"".join(chunks)
    found = list(pieces(content, 100, sealed=sealed))
    joined = b"".join(piece.raw for piece in found)
    assert joined == (content if sealed else content[: content.rfind(b"\n") + 1])
    ends = [100, *(piece.end for piece in found)]
    assert ends[:-1] == [piece.start for piece in found]
