"""Clients that send half a request and stop: they hold connections, never the threads that others need."""

import socket
import time
from contextlib import ExitStack
from typing import Any

import pytest
import requests

from tests.support.connections import received, received_in_turn
from tests.support.deployment import TOKEN, Deployment
from tests.support.stack import Deploy

pytestmark = [pytest.mark.slow, pytest.mark.promise("P14")]
START = f"POST /predict HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n"
GET = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
HALVES = (
    "",
    "POST /pre",
    START,
    START + "Content-Length: 500\r\n\r\n{",
    START + "Transfer-Encoding: chunked\r\n\r\n5\r\nabc",
    START + "Content-Length: 100000\r\n\r\n" + "x" * 70_000,
    START + "Content-Length: 500\r\nExpect: 100-continue\r\n\r\n",
    GET + START,
)


def opened(deployment: Deployment, sent: str) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", deployment.port), timeout=10)
    connection.sendall(sent.encode())
    return connection


def test_two_hundred_half_sent_requests_starve_nobody(deploy: Deploy, customer: dict[str, Any]) -> None:
    deployment = deploy(WEB_CONCURRENCY="1")
    deployment.start("web")
    with ExitStack() as stack:
        began = time.monotonic()
        held = [stack.enter_context(opened(deployment, HALVES[n % len(HALVES)])) for n in range(200)]
        slowest = 0.0
        while time.monotonic() - began < 4:
            started = time.monotonic()
            assert requests.get(f"{deployment.url}/health", timeout=5).status_code == 200
            slowest = max(slowest, time.monotonic() - started)
        assert slowest < 1
        assert deployment.post("/predict", {"client_id": "anna", **customer}).status_code == 200
        for half in (held[1], held[2], held[3], held[4]):
            assert received(half).status == 408
            assert time.monotonic() - began < 7
    assert requests.get(f"{deployment.url}/health", timeout=5).status_code == 200
    assert "Traceback" not in deployment.log("web")


def test_a_request_in_pieces_is_answered_when_its_last_piece_is_there(deploy: Deploy) -> None:
    deployment = deploy(WEB_CONCURRENCY="1")
    deployment.start("web")
    with opened(deployment, "") as connection:
        for piece in ("GET /hea", "lth HTTP/1.1\r\nHo", "st: x\r\n", "\r\n" + GET[:20], GET[20:]):
            time.sleep(0.1)
            connection.sendall(piece.encode())
        assert [reply.status for reply in received_in_turn(connection, 2)] == [200, 200]
