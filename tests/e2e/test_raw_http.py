"""What no client library sends: bodies that break off, chunks that are none, and headers of a proxy that is none."""

import socket

import pytest

from tests.support.connections import Reply, received
from tests.support.deployment import TOKEN, Deployment
from tests.support.stack import Deploy

HEALTH = "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
HEAD = f"POST /predict HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n"

pytestmark = pytest.mark.slow


@pytest.fixture
def deployment(deploy: Deploy) -> Deployment:
    made = deploy()
    made.start("web")
    return made


def send(deployment: Deployment, rest: str, head: str = HEAD) -> Reply:
    with socket.create_connection(("127.0.0.1", deployment.port), timeout=10) as connection:
        connection.sendall((head + rest).encode())
        connection.shutdown(socket.SHUT_WR)
        return received(connection)


def test_broken_bodies_are_the_senders_fault(deployment: Deployment) -> None:
    for rest in (
        "Transfer-Encoding: chunked\r\n\r\nZZ\r\n",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nabc",
        "Content-Length: 100\r\n\r\n{",
    ):
        answer = send(deployment, rest)
        assert answer.status == 400, (rest, answer)
        assert b"prediction" not in answer.body
    assert "Traceback" not in deployment.log("web")


@pytest.mark.parametrize("header", ["SCRIPT_NAME: /evil", "PATH_INFO: /metadata"])
def test_nobody_tells_the_server_where_it_is_without_a_proxy_configured(deployment: Deployment, header: str) -> None:
    answer = send(deployment, f"{header}\r\n\r\n", HEALTH)
    assert answer.status == 200
    assert b'{"status":"alive"}' in answer.body


def test_a_body_that_tells_no_length_is_read_like_any_other(deployment: Deployment) -> None:
    head = HEAD.replace("/predict", "/config-refresh")
    answer = send(deployment, 'Transfer-Encoding: chunked\r\n\r\n7\r\n{"a":1}\r\n0\r\n\r\n', head)
    assert answer.status == 422
