"""The durable local outbox of a process: what was appended survives the death of the process.

Each process writes into a folder of its own under the root, and holds that folder's lock while it
lives. A folder whose lock is free was left by a process that is gone: any living process may adopt
it, ship what it holds and delete it.
"""

import os
import tempfile
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from data import folders, quarantine
from data.folders import Folder
from data.frames import frame
from data.journal import START, Journal, Position
from data.segments import SegmentWriter
from helpers.errors import UserError

_LEAST_TRIAL_BYTES = 64 * 1024
_spools: weakref.WeakSet["Spool"] = weakref.WeakSet()


class SpoolFull(UserError):
    """Nothing of what was appended was kept: the spool has its full size, or the disk did not take it."""


class Spool:
    """Appends records. Nothing is opened before the first append; a forked child starts its own folder.

    `fsync="second"`: the caller of `sync()` each second bounds what a power loss can take; the death of
    the process takes nothing. `"always"`: `append` returns when the disk has the record.
    """

    def __init__(
        self,
        root: Path,
        *,
        segment_bytes: int = 8 * 1024 * 1024,
        fsync: Literal["second", "always"] = "second",
        max_bytes: int = 1_000_000_000,
    ) -> None:
        self.root = root
        self._segment_bytes = min(segment_bytes, max_bytes // 8)
        self._always = fsync == "always"
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._sync_lock = threading.Lock()
        self._folder: Folder | None = None
        self._writer: SegmentWriter | None = None
        self._appended = self._synced = self._used = 0
        self._refused = 0  # the bytes of the last append, when it was not kept
        self._disk_fails = False
        self._quarantine = quarantine.Weight(root)
        _spools.add(self)

    def append(self, record: bytes) -> None:
        """Keeps one record, a line without its newline; see `append_many`."""
        self.append_many([record])

    def append_many(self, records: Sequence[bytes]) -> None:
        """Keeps all of `records` by one write, or none of them. Any thread may call it.

        Raises SpoolFull when they were not kept. (With "always", a disk that fails while flushing also
        raises it; the records may then be shipped all the same.)
        """
        lines = b"".join(map(frame, records))
        with self._lock:
            self._write(lines)
            self._appended += len(records)
            ticket = self._appended
        if self._always:
            self._wait_for_disk(ticket)

    def has_room(self) -> bool:
        """Whether an append would be kept: it fits by the last count, and the disk did not fail, or was
        found to write again when it was last measured. Asks nothing of the disk."""
        return not self._disk_fails and self._used + max(self._refused, 1) <= self._max_bytes

    def sync(self) -> None:
        """Makes everything appended so far durable. Raises OSError."""
        with self._sync_lock:
            self._flush()

    def show_life(self) -> None:
        """Tells other hosts that this process lives; to be called each few seconds. Raises OSError."""
        with self._lock:
            if self._folder is not None:
                self._folder.show_life()

    def measure(self) -> int:
        """Counts the bytes under the root, of all processes, and tries a disk that failed again.
        `append` and `has_room` go by the last count."""
        used = folders.size(self.root, without=quarantine.FOLDER) + self._quarantine.measure()
        with self._lock:
            self._used = used
        if self._disk_fails:
            self._try_disk()
        return used

    @property
    def appended(self) -> int:
        """How many records this process has appended."""
        return self._appended

    def journal(self) -> Journal | None:
        """The reading side of this process's folder, once there is one."""
        folder = self._folder
        return None if folder is None else Journal(folder.path, growing=True, published=self.tail)

    def tail(self) -> Position:
        """Where the next record will lie."""
        with self._lock:
            return START if self._writer is None else self._writer.position

    def turn_page(self, least: int) -> None:
        """Starts a new file when the current one holds `least` bytes, so that the old one can go."""
        with self._lock:
            if self._writer is not None and self._writer.position.offset >= least:
                self._writer.turn()

    def close(self, *, delete: bool) -> None:
        """Gives the folder up for others to adopt, or deletes it, when all of it was shipped."""
        with self._sync_lock, self._lock:
            folder, writer, self._folder, self._writer = self._folder, self._writer, None, None
            if folder is None or writer is None:
                return
            writer.close()
            if delete:
                folders.delete(folder)
            folder.release()

    def _write(self, lines: bytes) -> None:
        if self._used + len(lines) > self._max_bytes:
            self._refused = min(len(lines), self._max_bytes // 8)
            raise SpoolFull(
                f"The outbox holds {self._used:,} bytes, which is all that SPOOL_MAX_BYTES allows: bring"
                " the database and the archive back, or raise SPOOL_MAX_BYTES.",
                "SPOOL_MAX_BYTES",
            )
        try:
            self._opened().write(lines)
        except OSError as error:
            self._refused, self._disk_fails = min(len(lines), self._max_bytes // 8), True
            raise SpoolFull(f"The outbox cannot write under {self.root}: {error.strerror}.") from error
        self._used += len(lines)
        self._refused, self._disk_fails = 0, False

    def _try_disk(self) -> None:
        """Writes as much as was refused into a file without a name, which is gone when it is closed."""
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.TemporaryFile(dir=self.root) as trial:
                trial.write(bytes(max(self._refused, _LEAST_TRIAL_BYTES)))
                trial.flush()
                os.fsync(trial.fileno())
        except OSError:
            return
        self._refused, self._disk_fails = 0, False

    def _opened(self) -> SegmentWriter:
        if self._writer is None:
            self._folder = self._folder or folders.create(self.root)
            self._writer = SegmentWriter(self._folder.path, self._segment_bytes)
        return self._writer

    def _wait_for_disk(self, ticket: int) -> None:
        """Threads that wait together are served by one flush."""
        with self._sync_lock:
            if self._synced >= ticket:
                return
            try:
                self._flush()
            except OSError as error:
                self._disk_fails = True
                raise SpoolFull(f"The outbox cannot flush {self.root}: {error.strerror}.") from error

    def _flush(self) -> None:
        with self._lock:
            if self._writer is None or self._folder is None or self._synced == self._appended:
                return
            ticket, path = self._appended, self._folder.path
            retired, current = self._writer.unflushed()
        for descriptor in retired:
            _flush_and_close(descriptor)
        os.fdatasync(current)
        if retired or not self._synced:
            _flush_entries(path)
        self._synced = ticket

    def _leave_to_parent(self) -> None:
        """In a forked child: the folder, and what is in flight, are the parent's."""
        if self._writer is not None:
            self._writer.close()
        self._lock, self._sync_lock = threading.Lock(), threading.Lock()
        self._folder = self._writer = None
        self._appended = self._synced = self._used = 0
        self._refused, self._disk_fails = 0, False


def _flush_and_close(descriptor: int) -> None:
    try:
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)


def _flush_entries(folder: Path) -> None:
    """The names of new files survive a power loss as well."""
    for path in (folder, folder.parent):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        _flush_and_close(descriptor)


def _after_fork() -> None:
    for spool in _spools:
        spool._leave_to_parent()


os.register_at_fork(after_in_child=_after_fork)
