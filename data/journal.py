"""One folder of the spool: numbered files of records, and how far each sink has come in them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import orjson

from data.frames import Piece, pieces

SUFFIX = ".log"


class Position(NamedTuple):
    """A place in a folder: the number of a file, and the byte offset in it."""

    segment: int
    offset: int


START = Position(0, 0)


@dataclass(frozen=True, slots=True)
class Batch:
    """What lies between two positions of one file. `at_end`: nothing more was there when it was read."""

    start: Position
    end: Position
    pieces: tuple[Piece, ...]
    at_end: bool


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a sink has come, and, where its batches must not change, where the one in hand ends."""

    position: Position = START
    planned_end: Position | None = None


class Journal:
    """Reads a folder that this process holds the lock of.

    `growing`: records are still appended to its last file; otherwise all of its files are sealed.
    `published`: tells where the last record that counts ends; what lies after it in that file may yet
    be taken back, and is not read.
    """

    def __init__(self, folder: Path, *, growing: bool, published: Callable[[], Position] | None = None) -> None:
        self.folder = folder
        self.growing = growing
        self._published = published

    def read(self, position: Position, *, records: int, size: int, until: Position | None = None) -> Batch:
        """What follows `position`: up to `records` pieces and about `size` bytes, or all up to `until`.

        A batch lies in one file. It is empty, and its end further on, where a file is exhausted.
        """
        segments = self._segments()  # listed before the read: a file with a successor is complete
        at = _first_from(segments, position)
        followed = at.segment < max(segments, default=0)
        sealed = followed or not self.growing
        planned = until if until is not None and until.segment == at.segment else None
        room = self._room(at)  # asked after the listing: a file with a successor counts as a whole
        content, at_end = self._content(at, size if planned is None else planned.offset - at.offset, room)
        every = tuple(pieces(content, at.offset, sealed=sealed and at_end))
        found = every if planned is not None else every[:records]
        if not found and followed:
            return Batch(at, Position(at.segment + 1, 0), (), at_end=False)
        end = Position(at.segment, found[-1].end if found else at.offset)
        return Batch(at, end, found, at_end and not followed and len(found) == len(every))

    def tail(self) -> Position:
        """The end of the last file."""
        segments = self._segments()
        return Position(segments[-1], self._path(segments[-1]).stat().st_size) if segments else START

    def count_from(self, position: Position) -> int:
        """The number of lines after `position`, a cut one included."""
        count = 0
        for number in self._segments():
            if number >= position.segment:
                content = self._path(number).read_bytes()
                content = content[position.offset :] if number == position.segment else content
                count += content.count(b"\n") + (content[-1:] not in (b"", b"\n"))
        return count

    def drop_before(self, position: Position) -> None:
        """Deletes the files that end before `position`."""
        for number in self._segments():
            if number < position.segment:
                self._path(number).unlink(missing_ok=True)

    def load_cursor(self, sink: str) -> Cursor:
        """Where `sink` was, or the start: what was shipped already is then shipped again."""
        try:
            position, planned = orjson.loads(self._cursor_path(sink).read_bytes())
            return Cursor(Position(*position), None if planned is None else Position(*planned))
        except (FileNotFoundError, ValueError, TypeError):
            return Cursor()

    def save_cursor(self, sink: str, cursor: Cursor) -> None:
        path = self._cursor_path(sink)
        draft = path.with_suffix(".draft")
        planned = None if cursor.planned_end is None else tuple(cursor.planned_end)
        draft.write_bytes(orjson.dumps([tuple(cursor.position), planned]))
        draft.replace(path)

    def _room(self, at: Position) -> int | None:
        """How many bytes from `at` on may be read; None for all that the file holds."""
        last = START if self._published is None else self._published()
        return last.offset - at.offset if last.segment == at.segment else None

    def _content(self, at: Position, size: int, room: int | None) -> tuple[bytes, bool]:
        """At least one whole line from `at` on, where there is one, and whether that is the end."""
        try:
            with self._path(at.segment).open("rb") as file:
                file.seek(at.offset)
                content = file.read(size)
                while content and b"\n" not in content and (more := file.read(size)):
                    content += more
                if room is not None and len(content) >= room:
                    return content[:room], True
                return content, not file.peek(1)
        except FileNotFoundError:
            return b"", True

    def _segments(self) -> list[int]:
        try:
            return sorted(int(path.stem) for path in self.folder.iterdir() if path.suffix == SUFFIX)
        except FileNotFoundError:
            return []

    def _path(self, number: int) -> Path:
        return segment_path(self.folder, number)

    def _cursor_path(self, sink: str) -> Path:
        return self.folder / f"{sink}.cursor"


def segment_path(folder: Path, number: int) -> Path:
    return folder / f"{number:012d}{SUFFIX}"


def _first_from(segments: list[int], position: Position) -> Position:
    """`position`, or the start of the first file after it when its own file is gone."""
    if position.segment in segments:
        return position
    return next((Position(number, 0) for number in segments if number > position.segment), position)
