"""What no client library sends: bodies that break off, and chunks that are none."""

import socket

import pytest

from tests.support.deployment import TOKEN, Deployment
from tests.support.stack import Deploy

HEAD = f"POST /predict HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n"

pytestmark = pytest.mark.slow


@pytest.fixture
def deployment(deploy: Deploy) -> Deployment:
    made = deploy()
    made.start("web")
    return made


def send(deployment: Deployment, rest: str) -> str:
    with socket.create_connection(("127.0.0.1", deployment.port), timeout=10) as connection:
        connection.sendall((HEAD + rest).encode())
        connection.shutdown(socket.SHUT_WR)
        return connection.recv(65_536).decode("latin-1")


def test_broken_bodies_are_the_senders_fault(deployment: Deployment) -> None:
    for rest in (
        "Transfer-Encoding: chunked\r\n\r\nZZ\r\n",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nabc",
        "Content-Length: 100\r\n\r\n{",
    ):
        answer = send(deployment, rest)
        assert answer.startswith("HTTP/1.1 400 "), (rest, answer)
        assert "prediction" not in answer
    assert "Traceback" not in deployment.log("web")
