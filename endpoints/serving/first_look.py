"""What has arrived on a connection, seen without taking it: whether a thread could read the request without waiting."""

import socket
from enum import Enum, auto

LOOK_BYTES = 65_536
_MOST_REQUESTS_BYTES = 4_096
_MOST_DIGITS = 16
_PEEK = socket.MSG_PEEK | socket.MSG_DONTWAIT
_PROBES = (b"GET /health", b"HEAD /health", b"GET /metrics")


class Look(Enum):
    """LONG: a thread will have to wait for the rest, since the request is no shorter than LOOK_BYTES or the client
    waits to be told to go on."""

    WHOLE = auto()
    HALF = auto()
    LONG = auto()


def peek(sock: socket.socket) -> bytes | None:
    """What has arrived; None when nothing has, empty when the client has gone."""
    try:
        seen = sock.recv(_MOST_REQUESTS_BYTES, _PEEK)  # room for more would be made for nothing
        return seen if len(seen) < _MOST_REQUESTS_BYTES else sock.recv(LOOK_BYTES, _PEEK)
    except BlockingIOError:
        return None
    except OSError:
        return b""


def look(data: bytes) -> Look:
    """How much of one HTTP/1 request is there. What is malformed is WHOLE: there is nothing to wait for."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return Look.HALF if len(data) < LOOK_BYTES else Look.LONG
    head = data[: end + 2].lower()
    if b"\r\nexpect:" in head:
        return Look.LONG
    if b"\r\ntransfer-encoding:" in head:
        return _of(b"\r\n0\r\n" in data[end + 2 :], len(data))
    size = end + 4 + _content_length(head)
    return _of(len(data) >= size, size)


def may_be_shed(data: bytes) -> bool:
    """Whether it is one request alone, of known length, on a connection that goes on, and no probe: then it can be
    taken off the connection and answered without reading it any closer."""
    end = data.find(b"\r\n\r\n")
    head = data[: end + 2].lower()
    plain = b" http/1.1\r\n" in head and b"\r\ntransfer-encoding:" not in head and b"\r\nconnection: close" not in head
    alone = len(data) == end + 4 + _content_length(head) and head.count(b"\r\ncontent-length:") <= 1
    return plain and alone and not data.startswith(_PROBES)


def _of(whole: bool, size: int) -> Look:
    if whole:
        return Look.WHOLE
    return Look.HALF if size < LOOK_BYTES else Look.LONG


def _content_length(head: bytes) -> int:
    """0 where none is told, or none that a request could have."""
    start = head.find(b"\r\ncontent-length:")
    if start < 0:
        return 0
    told = head[start + 17 : head.index(b"\r\n", start + 2)].strip()
    return int(told) if told.isdigit() and len(told) < _MOST_DIGITS else 0
