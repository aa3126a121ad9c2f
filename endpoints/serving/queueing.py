"""How long requests wait for a thread."""

import time
from collections import deque

MOST_SECONDS = 0.25
"""What comes while somebody has waited for longer than that would be late as well."""


class Queueing:
    """`joins` and `too_long` are for a worker's loop, `leaves` for its threads, which take the first who joined."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._since: deque[float] = deque()

    def joins(self) -> None:
        self._since.append(time.monotonic())

    def leaves(self) -> None:
        self._since.popleft()

    def too_long(self, now: float) -> bool:
        """Whether more wait than there are threads, and the first of them has done so for too long."""
        if len(self._since) <= self._threads:
            return False
        try:
            return now - self._since[0] > MOST_SECONDS
        except IndexError:  # threads took them meanwhile
            return False
