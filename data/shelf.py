"""The folders that a process ships from: its own, and those it adopted from dead processes."""

import threading
from collections.abc import Sequence

import structlog

from data import folders
from data.folders import Folder
from data.journal import Journal
from data.pump import Pump, Reports, Sink
from data.spool import Spool

PAGE_BYTES = 64 * 1024

log = structlog.get_logger()


class Shelf:
    """The folders, and one pump a sink that empties them all. The first sink is the ledger."""

    def __init__(self, spool: Spool, sinks: Sequence[Sink], reports: Reports) -> None:
        self.pumps = [Pump(sink, self.journals, spool.root, reports) for sink in sinks]
        self._spool = spool
        self._ledger = sinks[0].name
        self._lock = threading.Lock()
        self._own: Journal | None = None
        self._adopted: dict[Journal, Folder] = {}
        self._lines: dict[Journal, int] = {}

    def journals(self) -> list[Journal]:
        own = self._own_journal()
        with self._lock:
            return [*([] if own is None else [own]), *self._adopted]

    def depth(self) -> int:
        """How many records are not yet in the ledger."""
        ledger, own = self.pumps[0], self._own_journal()
        waiting = self._spool.appended - (0 if own is None else ledger.passed(own))
        with self._lock:
            return waiting + sum(lines - ledger.passed(one) for one, lines in self._lines.items())

    def adopt(self) -> None:
        """Takes over the folders that nobody holds any more."""
        for folder in folders.abandoned(self._spool.root):
            journal = Journal(folder.path, growing=False)
            lines = journal.count_from(journal.load_cursor(self._ledger).position)
            log.info("spool_adopted", folder=folder.path.name, records=lines)
            with self._lock:
                self._adopted[journal], self._lines[journal] = folder, lines

    def tidy(self) -> None:
        """Deletes the files that every sink has passed, and the adopted folders that are done."""
        for journal in self.journals():
            journal.drop_before(min(pump.position(journal) for pump in self.pumps))
        own = self._own_journal()
        if own is not None and self._is_done(own):
            self._spool.turn_page(PAGE_BYTES)
        with self._lock:
            for journal in [journal for journal in self._adopted if self._is_done(journal)]:
                self._give_up(journal)

    def drained(self) -> bool:
        """Whether every sink has everything."""
        return all(self._is_done(journal) for journal in self.journals())

    def give_up(self) -> None:
        """Deletes what is done, and leaves the rest for others to adopt."""
        done = self.drained()
        with self._lock:
            for journal in list(self._adopted):
                self._give_up(journal)
        self._spool.close(delete=done)

    def _give_up(self, journal: Journal) -> None:
        folder = self._adopted.pop(journal)
        del self._lines[journal]
        if self._is_done(journal):
            folders.delete(folder)
        folder.release()
        for pump in self.pumps:
            pump.forget(journal)

    def _is_done(self, journal: Journal) -> bool:
        tail = journal.tail()
        return all(pump.position(journal) >= tail for pump in self.pumps)

    def _own_journal(self) -> Journal | None:
        if self._own is None:
            self._own = self._spool.journal()
        return self._own
