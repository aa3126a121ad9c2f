"""Connections that no thread serves at present, each until it is readable or its time is over."""

import selectors
from collections.abc import Callable
from typing import Any

Act = Callable[[Any], None]


class Parked:
    """Of a worker's loop alone: none of it may be called by another thread. A connection has a `sock`."""

    def __init__(self, poller: selectors.BaseSelector) -> None:
        self._poller = poller
        self._places: dict[Any, tuple[float, Act]] = {}

    def park(self, connection: Any, until: float, readable: Act, late: Act) -> None:
        """Calls `readable` with the connection, or `late` once the monotonic clock has passed `until`. Either way it
        has left by then. Raises OSError or ValueError for a socket that is closed."""
        connection.sock.setblocking(False)
        self._poller.register(connection.sock, selectors.EVENT_READ, lambda _: readable(self._take(connection)))
        self._places[connection] = (until, late)

    def sweep(self, now: float) -> None:
        """Ends the stay of those whose time is over."""
        for connection in [each for each, (until, _) in self._places.items() if until <= now]:
            _, late = self._places[connection]
            late(self._take(connection))

    def cap(self, until: float) -> None:
        """Nobody stays for longer than that."""
        for connection, (own, late) in self._places.items():
            self._places[connection] = (min(own, until), late)

    def _take(self, connection: Any) -> Any:
        del self._places[connection]
        self._poller.unregister(connection.sock)
        return connection
