"""HTTP/1.1 over kept connections, with as little work as a load that is measured may cost."""

import asyncio
import re
import socket
from collections import deque
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import urlsplit

from tests.support.deployment import TOKEN

MOST_IDLE = 16
ANSWER_SECONDS = 30.0
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CLOSES = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class Reply:
    """`head` is the status line and the header lines, as they came."""

    status: int
    head: bytes
    body: bytes


def posted(path: str, body: bytes, **headers: str) -> bytes:
    """A POST of JSON with the access token; `Idempotency_Key="a"` is the header Idempotency-Key."""
    lines = [f"POST {path} HTTP/1.1", "Host: holdfast", "Content-Type: application/json"]
    lines += [f"Authorization: Bearer {TOKEN}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Connections:
    """Connections to one server: as many as are needed at once, of which some are kept and used in turn."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._address = parts.hostname, parts.port
        self._idle: deque[Connection] = deque()

    async def exchange(self, request: bytes) -> Reply:
        """Raises OSError, EOFError or ValueError when there is no whole answer in time."""
        async with asyncio.timeout(ANSWER_SECONDS):
            return await self._exchange(request)

    async def _exchange(self, request: bytes) -> Reply:
        reader, writer = self._kept() or await asyncio.open_connection(*self._address)
        try:
            writer.write(request)
            reply = await _read(reader)
        except BaseException:
            writer.transport.abort()
            raise
        if _CLOSES.search(reply.head) or len(self._idle) >= MOST_IDLE:
            writer.close()
        else:
            self._idle.append((reader, writer))
        return reply

    def close(self) -> None:
        while self._idle:
            _, writer = self._idle.popleft()
            writer.transport.abort()

    def _kept(self) -> Connection | None:
        """The one that has rested longest among those that the server did not close."""
        while self._idle:
            reader, writer = self._idle.popleft()
            if not (writer.is_closing() or reader.at_eof() or reader.exception()):
                return reader, writer
            writer.close()
        return None


async def _read(reader: asyncio.StreamReader) -> Reply:
    head = await reader.readuntil(b"\r\n\r\n")
    return _reply(head, await reader.readexactly(_length(head)))


def received(connection: socket.socket) -> Reply:
    """The next answer, whole, in however many pieces it comes."""
    (reply,) = received_in_turn(connection, 1)
    return reply


def received_in_turn(connection: socket.socket, number: int) -> list[Reply]:
    """The next answers; what comes behind them is lost. Raises EOFError when there are not so many."""
    with connection.makefile("rb") as stream:
        return [_next(stream) for _ in range(number)]


def _next(stream: BinaryIO) -> Reply:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline()
        if not line:
            raise EOFError(head)
        head += line
    body = stream.read(_length(head))
    if len(body) < _length(head):
        raise EOFError(head + body)
    return _reply(head, body)


def _length(head: bytes) -> int:
    found = _LENGTH.search(head)
    return int(found.group(1)) if found else 0


def _reply(head: bytes, body: bytes) -> Reply:
    return Reply(int(head[9:12]), head, body)
