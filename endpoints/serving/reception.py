"""What becomes of a connection on which something may have arrived: a thread, a refusal, or more time."""

import math
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from endpoints.serving.first_look import Look, look, may_be_shed, peek
from endpoints.serving.parked import Parked
from endpoints.serving.queueing import Queueing
from endpoints.serving.refusals import OVERLOADED, TOO_SLOW
from endpoints.serving.turns import Turns

ARRIVE_SECONDS = 5.0
"""How long a request may take to arrive before a thread reads it."""
Act = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Ways:
    """What can be done with a connection: have a thread serve it, keep it for its next request, end it."""

    serve: Act
    keep: Act
    end: Act


class Reception:
    """Of a worker's loop alone. A connection is one of gunicorn's."""

    def __init__(
        self, parked: Parked, turns: Turns, queueing: Queueing, ways: Ways, idle_seconds: float, count_shed: Act
    ) -> None:
        self._parked = parked
        self._turns = turns
        self._queueing = queueing
        self._ways = ways
        self._idle_seconds = idle_seconds
        self._count_shed = count_shed

    def receive(self, conn: Any) -> None:
        """For a connection that is new, or has become readable."""
        self._look(0, math.inf, conn)

    def _look(self, seen: int, deadline: float, conn: Any) -> None:
        """`seen` bytes of the request were there when last looked at, and `deadline` is when it must be whole."""
        peeked, held = peek(conn.sock), _held(conn)
        data = held + (peeked or b"")
        gone = peeked is not None and len(peeked) <= seen
        found = Look.WHOLE if gone else look(data)
        now = time.monotonic()
        if not data and not gone:
            self._parked.park(conn, now + self._idle_seconds, self.receive, self._ways.end)
        elif found is Look.HALF:
            self._await_rest(conn, len(peeked or b""), min(deadline, now + ARRIVE_SECONDS))
        elif not held and self._queueing.too_long(now) and may_be_shed(data):
            self._shed(conn, len(data))
        elif found is Look.WHOLE or self._turns.enter(conn):
            self._ways.serve(conn)

    def _await_rest(self, conn: Any, seen: int, deadline: float) -> None:
        """The kernel says nothing before there is more: what is left on the socket would be told again and again."""
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, seen + 1)
        self._parked.park(conn, deadline, partial(self._look_again, seen, deadline), self._refuse)

    def _look_again(self, seen: int, deadline: float, conn: Any) -> None:
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
        self._look(seen, deadline, conn)

    def _refuse(self, conn: Any) -> None:
        _answer_unread(conn.sock, TOO_SLOW, 1 << 16)
        self._ways.end(conn)

    def _shed(self, conn: Any, size: int) -> None:
        self._count_shed(conn)
        taken = _answer_unread(conn.sock, OVERLOADED, size)
        (self._ways.keep if taken else self._ways.end)(conn)


def _answer_unread(sock: socket.socket, answer: bytes, size: int) -> bool:
    """Takes the request off the connection and answers it; False when the client does not take the answer."""
    try:
        sock.recv(size, socket.MSG_DONTWAIT)
        return sock.send(answer, socket.MSG_DONTWAIT) == len(answer)
    except OSError:
        return False


def _held(conn: Any) -> bytes:
    """What gunicorn has read beyond the request before."""
    return bytes(conn.parser.unreader.buf.getvalue()) if conn.initialized else b""
