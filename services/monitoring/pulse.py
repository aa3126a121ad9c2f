"""The sign of life that each process gives every few seconds."""

import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

from data.pulse_store import Beat, PulseStore
from helpers.clock import Clock
from helpers.failsoft import FailSoft
from helpers.metrics import Metrics
from services.config.live import LiveConfigSource
from services.monitoring.tally import tally

BEAT_SECONDS = 10
LEAST_PAUSE = 5.0
WEB = "web"


class Pulse:
    """Tells the fleet what this process counted, and how it is. `depth` gives the records that the ledger lacks,
    `degraded` what is amiss here by its name. Begins anew in a forked child."""

    def __init__(
        self,
        store: PulseStore,
        metrics: Metrics,
        live: LiveConfigSource,
        depth: Callable[[], int],
        degraded: Callable[[], Mapping[str, str]],
        guard: FailSoft,
        clock: Clock,
    ) -> None:
        self._store = store
        self._metrics = metrics
        self._live = live
        self._depth = depth
        self._degraded = degraded
        self._guard = guard
        self._clock = clock
        self.role = WEB
        self._lock = threading.Lock()
        self._pid = 0
        self._started_at = 0.0
        self._told_at: float | None = None
        self._known: Counter[str] = Counter()
        self._since: dict[str, float] = {}
        self._spool_since: float | None = None

    def beat(self) -> None:
        """To be called each `BEAT_SECONDS` or more often. Never raises: what could not be told is told next time."""
        with self._lock:
            self._begin()
            if self._told_at is not None and time.monotonic() - self._told_at < LEAST_PAUSE:
                return
            self._told_at = time.monotonic()
            self._tell()

    def leave(self) -> None:
        """Tells the last counts, and takes the process off the list: it ends in order."""
        with self._lock:
            if self._pid != os.getpid():
                return
            self._tell()
            self._try(lambda: self._store.leave(f"{socket.gethostname()}:{self._pid}"))

    def _begin(self) -> None:
        if self._pid == os.getpid():
            return
        self._pid, self._started_at, self._told_at = os.getpid(), self._now(), None
        self._known, self._since, self._spool_since = tally(self._metrics), {}, None

    def _tell(self) -> None:
        counted = tally(self._metrics)
        beat = self._web() if self.role == WEB else self._bare()
        if self._try(lambda: self._store.beat(beat, counted - self._known)):
            self._known = counted

    def _web(self) -> Beat:
        now, depth, age, troubles = self._now(), self._depth(), self._live.age_seconds, dict(self._degraded())
        if self._live.problem:
            troubles["config"] = self._live.problem
        self._since = {name: self._since.get(name, now) for name in troubles}
        self._spool_since = (self._spool_since or now) if depth else None
        return replace(
            self._bare(),
            revision=self._live.current().revision if self._live.ready else None,
            refreshed_at=None if age is None else now - age,
            spool=depth,
            spool_since=self._spool_since,
            troubles={name: (text, self._since[name]) for name, text in troubles.items()},
        )

    def _bare(self) -> Beat:
        return Beat(socket.gethostname(), self._pid, self.role, self._started_at, self._now())

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _try(self, tell: Callable[[], None]) -> bool:
        def told() -> bool:
            tell()
            return True

        return self._guard.call(told, default=False)
