"""Moves records from the spool's folders into one sink, in order, without loss, at least once."""

import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

from data import quarantine
from data.frames import Piece
from data.journal import START, Batch, Cursor, Journal, Position

POLL_SECONDS = 0.1
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0

log = structlog.get_logger()


class RecordsRefused(Exception):
    """A sink will never take these records, whatever the hour: the fault is in what they hold.

    For a batch it means that one of them at least is such; the batch is then halved to find it. An
    outage must never be reported as this.
    """


class Sink(Protocol):
    """Where records go. `deliver` may be given a record again, and must not keep it twice.

    `linger`: seconds to wait for a batch to grow. `fixed_batches`: a batch that was tried is tried
    again with the same records, even by another process.
    """

    name: str
    max_records: int
    max_bytes: int
    linger: float
    fixed_batches: bool

    def deliver(self, records: Sequence[bytes]) -> None:
        """Keeps all of `records`, or raises: RecordsRefused, or anything else for an outage."""
        ...


@dataclass(slots=True)
class _Progress:
    cursor: Cursor
    passed: int = 0
    last_delivery: float = float("-inf")


@dataclass(frozen=True, slots=True)
class Reports:
    """Called with (sink, number of records), for counting."""

    shipped: Callable[[str, int], None] = lambda _sink, _count: None
    quarantined: Callable[[str, int], None] = lambda _sink, _count: None


class Pump:
    """One sink's thread: `run` until `stop`. A failing sink is tried again after growing pauses."""

    def __init__(self, sink: Sink, journals: Callable[[], Iterable[Journal]], root: Path, reports: Reports) -> None:
        self._sink = sink
        self._journals = journals
        self._root = root
        self._reports = reports
        self._progress: dict[Journal, _Progress] = {}
        self._failures = 0
        self._stopped = threading.Event()
        self._wake = threading.Event()
        self._hurry = False

    def run(self) -> None:
        while not self._stopped.is_set():
            more, failed = self._round()
            self._failures = self._failures + 1 if failed else 0
            if failed or not more:
                self._wake.wait(self._pause() if failed else POLL_SECONDS)
                self._wake.clear()

    def stop(self) -> None:
        self._stopped.set()
        self._wake.set()

    def hurry(self, on: bool) -> None:
        """Whether to deliver at once what would otherwise wait for a fuller batch or a pause."""
        self._hurry = on
        self._wake.set()

    def position(self, journal: Journal) -> Position:
        progress = self._progress.get(journal)  # only the pump's own thread makes one
        return START if progress is None else progress.cursor.position

    def passed(self, journal: Journal) -> int:
        """How many lines of the journal this process has brought to the sink or set aside."""
        progress = self._progress.get(journal)
        return 0 if progress is None else progress.passed

    def forget(self, journal: Journal) -> None:
        self._progress.pop(journal, None)

    def _round(self) -> tuple[bool, bool]:
        """One batch of each folder: whether any has more to give, and whether any failed."""
        more = failed = False
        for journal in self._journals():
            try:
                more = self._advance(journal) or more
            except Exception as error:  # noqa: BLE001
                failed = True
                self._report_failure(error)
        return more, failed

    def _advance(self, journal: Journal) -> bool:
        progress = self._progress_in(journal)
        if self._lingers(journal, progress):
            return False
        sink, cursor = self._sink, progress.cursor
        batch = journal.read(cursor.position, records=sink.max_records, size=sink.max_bytes, until=cursor.planned_end)
        if not batch.pieces:
            progress.cursor = Cursor(batch.end)
            return batch.end.segment > batch.start.segment
        self._ship(journal, progress, batch)
        return not batch.at_end

    def _ship(self, journal: Journal, progress: _Progress, batch: Batch) -> None:
        if self._sink.fixed_batches and progress.cursor.planned_end is None:
            self._move(journal, progress, Cursor(batch.start, batch.end))
        for piece in batch.pieces:
            if piece.record is None:
                self._set_aside(journal, batch, piece, "damaged", "its checksum does not match")
        self._deliver(journal, batch, [piece for piece in batch.pieces if piece.record is not None])
        progress.passed += sum(piece.lines for piece in batch.pieces)
        progress.last_delivery = time.monotonic()
        self._move(journal, progress, Cursor(batch.end))

    def _deliver(self, journal: Journal, batch: Batch, pieces: Sequence[Piece]) -> None:
        records = [piece.record for piece in pieces if piece.record is not None]
        if not records:
            return
        try:
            self._sink.deliver(records)
        except RecordsRefused as refusal:
            self._find_refused(journal, batch, pieces, refusal)
        else:
            self._reports.shipped(self._sink.name, len(records))

    def _find_refused(self, journal: Journal, batch: Batch, pieces: Sequence[Piece], refusal: RecordsRefused) -> None:
        if len(pieces) == 1:
            self._set_aside(journal, batch, pieces[0], self._sink.name, str(refusal))
            return
        half = len(pieces) // 2
        self._deliver(journal, batch, pieces[:half])
        self._deliver(journal, batch, pieces[half:])

    def _set_aside(self, journal: Journal, batch: Batch, piece: Piece, label: str, reason: str) -> None:
        name = f"{journal.folder.name}.{batch.start.segment}.{piece.start}.{label}"
        if quarantine.keep(self._root, name, piece.raw, reason):
            self._reports.quarantined(self._sink.name, 1)

    def _move(self, journal: Journal, progress: _Progress, cursor: Cursor) -> None:
        """A cursor that cannot be saved (a full disk) costs a repetition, no record: so shipping goes on."""
        try:
            journal.save_cursor(self._sink.name, cursor)
        except OSError as error:
            log.warning("cursor_not_saved", sink=self._sink.name, error=str(error))
        progress.cursor = cursor  # last: the folder may be deleted from here on

    def _lingers(self, journal: Journal, progress: _Progress) -> bool:
        if not journal.growing or self._hurry:
            return False
        if time.monotonic() - progress.last_delivery >= self._sink.linger:
            return False
        tail, at = journal.tail(), progress.cursor.position
        return tail.segment == at.segment and tail.offset - at.offset < self._sink.max_bytes

    def _progress_in(self, journal: Journal) -> _Progress:
        if journal not in self._progress:
            self._progress[journal] = _Progress(journal.load_cursor(self._sink.name))
        return self._progress[journal]

    def _pause(self) -> float:
        longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(self._failures, 10))
        return float(longest * random.uniform(0.5, 1.0))

    def _report_failure(self, error: Exception) -> None:
        if self._failures % 10 == 0:
            description = f"{type(error).__name__}: {error}"
            log.warning("sink_failed", sink=self._sink.name, error=description, failures=self._failures + 1)
