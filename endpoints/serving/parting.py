"""The end of a connection."""

import socket
import time
from collections.abc import Callable
from typing import Any

from endpoints.serving.parked import Parked

LINGER_SECONDS = 2.0


class Parting:
    """Closing over bytes that nobody read would take the answer back from the client, so what comes is read until the
    client closes, for a while. gunicorn does so in its loop, where everybody else waits meanwhile."""

    def __init__(self, parked: Parked, close: Callable[[Any], None]) -> None:
        self._parked = parked
        self._close = close

    def part(self, conn: Any) -> None:
        """Says that nothing more will be sent, and closes soon."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            self._parked.park(conn, time.monotonic() + LINGER_SECONDS, self._drop, self._close)
        except (OSError, ValueError):
            self._close(conn)

    def _drop(self, conn: Any) -> None:
        """A client that goes on sending is not listened to any longer."""
        if _rest(conn.sock):
            self._parked.park(conn, time.monotonic() + LINGER_SECONDS, self._close, self._close)
        else:
            self._close(conn)


def _rest(sock: socket.socket) -> bytes:
    try:
        return sock.recv(1 << 16, socket.MSG_DONTWAIT)
    except OSError:
        return b""
