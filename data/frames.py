"""How one record lies in a file of the spool: a line of its CRC-32, a space, its bytes, a newline.

The newline comes last, so a record that was cut anywhere is seen to be cut; the checksum finds
every other damage.
"""

import zlib
from collections.abc import Iterator
from typing import NamedTuple

_HEADER = 9  # eight hexadecimal digits and a space


class Piece(NamedTuple):
    """A stretch of a file: a whole record, or damage (`record` is None).

    `start` and `end` are byte offsets in the file; `raw` is what lies between, frame included.
    """

    start: int
    end: int
    raw: bytes
    record: bytes | None

    @property
    def lines(self) -> int:
        """The number of lines it takes, a cut one included."""
        return 1 if self.record is not None else self.raw.count(b"\n") + (self.raw[-1:] != b"\n")


def frame(record: bytes) -> bytes:
    """The line to write. Raises ValueError when the record holds a newline."""
    if b"\n" in record:
        raise ValueError("a record of the spool is one line and holds no newline")
    return b"%08x %b\n" % (zlib.crc32(record), record)


def pieces(content: bytes, start: int, *, sealed: bool) -> Iterator[Piece]:
    """The pieces of `content`, which begins at offset `start` of its file.

    Neighbouring damaged lines are one piece. A tail without a newline is damage when the file is
    `sealed`, and is otherwise left out: it may still be being written.
    """
    damage = b""
    for line in _lines(content, with_tail=sealed):
        record = _record(line)
        if record is None:
            damage += line
            continue
        if damage:
            yield Piece(start, start + len(damage), damage, None)
            start, damage = start + len(damage), b""
        yield Piece(start, start + len(line), line, record)
        start += len(line)
    if damage:
        yield Piece(start, start + len(damage), damage, None)


def _lines(content: bytes, *, with_tail: bool) -> list[bytes]:
    *whole, tail = content.split(b"\n")
    lines = [line + b"\n" for line in whole]
    return [*lines, tail] if with_tail and tail else lines


def _record(line: bytes) -> bytes | None:
    if line[-1:] != b"\n" or line[8:_HEADER] != b" ":
        return None
    record = line[_HEADER:-1]
    return record if line[:8] == b"%08x" % zlib.crc32(record) else None
