"""A bound on the threads of a process that wait for one thing, so that the others go on answering."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from endpoints.errors import RETRY_AFTER_SECONDS
from endpoints.problems import Problem


class Gate:
    """Lets `inside` threads in at a time. As many more wait, up to `seconds` for their turn; the rest are refused at
    once with `detail`."""

    def __init__(self, detail: str, *, inside: int = 2, seconds: float = 1.0) -> None:
        self._detail = detail
        self._seconds = seconds
        self._near = BoundedSemaphore(2 * inside)
        self._inside = BoundedSemaphore(inside)

    @contextmanager
    def passed(self) -> Iterator[None]:
        """For what is done inside. Raises Problem 503."""
        with self._taken(self._near, 0), self._taken(self._inside, self._seconds):
            yield

    @contextmanager
    def _taken(self, places: BoundedSemaphore, seconds: float) -> Iterator[None]:
        if not places.acquire(timeout=seconds):
            raise Problem(503, self._detail, headers={"Retry-After": RETRY_AFTER_SECONDS})
        try:
            yield
        finally:
            places.release()
