"""How much of a request has arrived, by the bytes alone."""

import socket

import pytest

from endpoints.serving.first_look import LOOK_BYTES, Look, look, may_be_shed, peek

POST = b"POST /predict HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", Look.HALF),
        (POST, Look.HALF),
        (POST + b"\r\n", Look.WHOLE),
        (POST + b"content-LENGTH: 2\r\n\r\n{", Look.HALF),
        (POST + b"Content-Length: 2\r\n\r\n{}", Look.WHOLE),
        (POST + b"X: content-length: 9\r\n\r\n", Look.WHOLE),
        (POST + b"Content-Length: -1\r\n\r\n", Look.WHOLE),
        (POST + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\n", Look.WHOLE),
        (POST + b"Content-Length: %d\r\n\r\n" % LOOK_BYTES, Look.LONG),
        (POST + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n", Look.LONG),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabc", Look.HALF),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", Look.WHOLE),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Look.WHOLE),
        (b"x" * LOOK_BYTES, Look.LONG),
    ],
)
def test_how_much_is_there(data: bytes, expected: Look) -> None:
    assert look(data) is expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (POST + b"Content-Length: 2\r\n\r\n{}", True),
        (POST + b"Content-Length: 2\r\n\r\n{}GET", False),
        (POST + b"Content-Length: 2\r\nContent-Length: 20\r\n\r\n{}", False),
        (POST + b"Connection: close\r\nContent-Length: 2\r\n\r\n{}", False),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", False),
        (b"POST /predict HTTP/1.0\r\n\r\n", False),
        (b"GET /health HTTP/1.1\r\n\r\n", False),
        (b"GET /health/ready HTTP/1.1\r\n\r\n", False),
        (b"GET /metrics HTTP/1.1\r\n\r\n", False),
        (b"GET /metadata HTTP/1.1\r\n\r\n", True),
    ],
)
def test_what_may_be_refused_unread(data: bytes, expected: bool) -> None:
    assert may_be_shed(data) is expected


def test_peeking_takes_nothing_and_tells_silence_from_an_end() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        assert peek(ours) is None
        theirs.sendall(b"abc")
        assert (peek(ours), ours.recv(9)) == (b"abc", b"abc")
        theirs.close()
        assert peek(ours) == b""
