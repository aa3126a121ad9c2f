"""Ships the spool: what a process appended goes on to every sink, whatever becomes of the process."""

import threading
import time
from collections.abc import Callable, Sequence

import structlog

from data.pump import Reports, Sink
from data.shelf import Shelf
from data.spool import Spool

TICK_SECONDS = 1.0

log = structlog.get_logger()


class Shipper:
    """One thread a sink, so that a sink that hangs delays no other, and one that keeps house: it flushes
    the spool to disk, adopts the folders of dead processes, and deletes what was shipped.

    The first sink is the ledger. `on_depth` is told each `tick` seconds how many records it still lacks.
    """

    def __init__(
        self,
        spool: Spool,
        sinks: Sequence[Sink],
        *,
        reports: Reports | None = None,
        on_depth: Callable[[int], None] = lambda _depth: None,
        tick: float = TICK_SECONDS,
    ) -> None:
        self._spool = spool
        self._sinks = sinks
        self._reports = reports or Reports()
        self._on_depth = on_depth
        self._tick = tick
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []
        self._shelf = Shelf(spool, sinks, self._reports)

    def start(self) -> None:
        """Begins to ship: in the process that appends, after any fork. A second call is harmless."""
        if any(thread.is_alive() for thread in self._threads):
            return
        self._stopped = threading.Event()
        self._shelf = Shelf(self._spool, self._sinks, self._reports)
        self._threads = [
            threading.Thread(target=target, name=f"outbox-{number}", daemon=True)
            for number, target in enumerate([self._keep_house, *(pump.run for pump in self._shelf.pumps)])
        ]
        for thread in self._threads:
            thread.start()

    def flush(self, timeout: float) -> bool:
        """Whether everything that this process appended or adopted reached every sink in time."""
        deadline = time.monotonic() + timeout
        self._hurry(True)
        try:
            while not self._shelf.drained():
                if time.monotonic() >= deadline:
                    return False
                time.sleep(0.005)
            return True
        finally:
            self._hurry(False)

    def close(self, timeout: float) -> bool:
        """Flushes, stops, and leaves what was not shipped in `timeout` seconds for others to adopt.

        The answer is `flush`'s. Nothing may be appended any more.
        """
        flushed = self.flush(timeout)
        self._stopped.set()
        for pump in self._shelf.pumps:
            pump.stop()
        for thread in self._threads:
            thread.join(timeout=2.0)
        self._shelf.give_up()
        return flushed

    def depth(self) -> int:
        """How many records, of this process and of those it adopted, are not yet in the ledger."""
        return self._shelf.depth()

    def _keep_house(self) -> None:
        spool, shelf = self._spool, self._shelf
        duties = (spool.show_life, spool.sync, shelf.adopt, shelf.tidy, spool.measure, self._tell_depth)
        while not self._stopped.is_set():
            for duty in duties:
                self._do(duty)
            self._stopped.wait(self._tick)

    def _do(self, duty: Callable[[], object]) -> None:
        try:
            duty()
        except Exception:
            log.exception("outbox_duty_failed", duty=duty.__name__)

    def _tell_depth(self) -> None:
        self._on_depth(self.depth())

    def _hurry(self, on: bool) -> None:
        for pump in self._shelf.pumps:
            pump.hurry(on)
