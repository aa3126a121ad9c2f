"""Figures that take a while: computed by one thread at a time, and shown as they were last until they are renewed."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import Event, Lock
from typing import Generic, TypeVar

from helpers.clock import Clock
from services.background import Background

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Figures(Generic[Found]):
    """What was found at that time."""

    found: Found
    at: datetime


class Remembered(Generic[Found]):
    """What `compute` gives, renewed in `background` by whoever asks `seconds` later. A failure, which is logged, leaves
    the last figures as they are until the next try."""

    def __init__(self, compute: Callable[[], Found], background: Background, clock: Clock, seconds: float) -> None:
        self._compute = compute
        self._background = background
        self._clock = clock
        self._seconds = seconds
        self._lock = Lock()
        self._known: Figures[Found] | None = None
        self._tried_at: float | None = None
        self._under_way: Event | None = None

    def current(self, patience: float = 0.0) -> Figures[Found] | None:
        """The last figures, however old; None before the first, for which it waits `patience` seconds."""
        with self._lock:
            if self._due():
                self._tried_at = time.monotonic()
                self._under_way = self._background.submit(self._renew)
            under_way = self._under_way
        if self._known is None and under_way is not None:
            under_way.wait(patience)
        return self._known

    def _due(self) -> bool:
        if self._under_way is not None and not self._under_way.is_set():
            return False
        return self._tried_at is None or time.monotonic() - self._tried_at >= self._seconds

    def _renew(self) -> None:
        at = self._clock.now()
        self._known = Figures(self._compute(), at)
