"""The writing side of a spool folder: numbered files, appended to by whole lines."""

import errno
import os
from pathlib import Path

from data.journal import Position, segment_path


class SegmentWriter:
    """Writes lines whole or not at all. Not safe for threads: its owner locks around it.

    A file is full at `limit` bytes; the next line opens the next file.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        self._number = 0
        self._descriptor = -1
        self._retired: list[int] = []
        self._size = 0
        self._torn = False
        self.turn()

    @property
    def position(self) -> Position:
        """Where the next line will lie, unless a new file is due."""
        return Position(self._number, self._size)

    def write(self, lines: bytes) -> None:
        """One `write` to the end of the file. Raises OSError, and leaves nothing of the lines, when the
        system does not take all of them, or when the file was deleted: what is written there nobody reads."""
        if self._torn or (self._size and self._size + len(lines) > self._limit):
            self.turn()
        if os.fstat(self._descriptor).st_nlink == 0:
            raise FileNotFoundError(errno.ENOENT, "its folder was deleted; restart this process")
        try:
            written = os.write(self._descriptor, lines)
        except OSError:
            self._mend()
            raise
        if written < len(lines):
            self._mend()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._size += written

    def turn(self) -> None:
        """Goes on in a new file. Raises OSError, and goes on as before, when none can be made."""
        path = segment_path(self._folder, self._number + 1)
        opened = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
        if self._descriptor >= 0:
            self._retired.append(self._descriptor)
        self._descriptor, self._number, self._size, self._torn = opened, self._number + 1, 0, False

    def unflushed(self) -> tuple[list[int], int]:
        """The descriptors of finished files, now the caller's to flush and close, and the current one."""
        retired, self._retired = self._retired, []
        return retired, self._descriptor

    def close(self) -> None:
        for descriptor in (*self._retired, self._descriptor):
            os.close(descriptor)
        self._retired, self._descriptor = [], -1

    def _mend(self) -> None:
        """Cuts what was half written off; where even that fails (a disk that is broken rather than full),
        the next line begins a new file."""
        try:
            os.ftruncate(self._descriptor, self._size)
        except OSError:
            self._torn = True
