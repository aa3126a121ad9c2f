"""A bound on the threads of a process that wait for one thing, so that the others go on answering."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from endpoints.errors import RETRY_AFTER_SECONDS
from endpoints.problems import Problem


class Gate:
    """Lets `inside` threads in at a time. Others wait up to `seconds` for their turn, and are refused with `detail`
    then; at once when somebody inside has been there for longer than that, since it would be in vain."""

    def __init__(self, detail: str, *, inside: int = 2, seconds: float = 1.0) -> None:
        self._detail = detail
        self._seconds = seconds
        self._places = BoundedSemaphore(inside)
        self._entered: dict[object, float] = {}

    @contextmanager
    def passed(self) -> Iterator[None]:
        """For what is done inside. Raises Problem 503."""
        if not self._places.acquire(timeout=0 if self._stuck() else self._seconds):
            raise Problem(503, self._detail, headers={"Retry-After": RETRY_AFTER_SECONDS})
        ticket = object()
        self._entered[ticket] = time.monotonic()
        try:
            yield
        finally:
            del self._entered[ticket]
            self._places.release()

    def _stuck(self) -> bool:
        long_ago = time.monotonic() - self._seconds
        return any(entered < long_ago for entered in tuple(self._entered.values()))
