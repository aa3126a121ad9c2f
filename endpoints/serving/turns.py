"""A bound on how many requests may keep a thread waiting for the rest of them."""

from collections import deque
from typing import Any


class Turns:
    """At most `places` connections at a time; the others in the order in which they came. Of a worker's loop alone."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._inside: set[Any] = set()
        self._queue: deque[Any] = deque()

    def enter(self, connection: Any) -> bool:
        """Whether it is its turn; otherwise a later `leave` returns it."""
        if len(self._inside) >= self._places:
            self._queue.append(connection)
            return False
        self._inside.add(connection)
        return True

    def leave(self, connection: Any) -> Any | None:
        """The connection whose turn it is now, if `connection` had one and somebody waits."""
        if connection not in self._inside:
            return None
        self._inside.remove(connection)
        following = self._queue.popleft() if self._queue else None
        if following is not None:
            self._inside.add(following)
        return following
