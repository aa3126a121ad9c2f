"""Workers that share connections evenly, also when one of them died."""

import socket
import time

import psutil

from endpoints.serving.shares import Shares
from tests.support.deployment import Deployment
from tests.support.stack import Deploy

CONNECTIONS = 16


def test_a_worker_has_more_than_another_that_lives() -> None:
    shares = Shares()
    shares.tell(1, 3)
    assert not shares.has_more(1, 3), "it is alone"
    shares.tell(2, 3)
    assert not shares.has_more(1, 3)
    shares.tell(2, 2)
    assert shares.has_more(1, 3)
    assert not shares.has_more(2, 2)
    shares.leave(2)
    assert not shares.has_more(1, 3), "who is gone takes no connection"
    shares.tell(3, 0)
    assert shares.has_more(1, 3)


def test_connections_that_are_kept_are_spread_over_the_workers(deploy: Deploy) -> None:
    service = deploy(WEB_CONCURRENCY="2")
    service.start("web")
    _await_workers(service, 2)
    spread = _spread(service)
    assert sum(spread) == CONNECTIONS
    assert max(spread) - min(spread) <= 2

    service.web_workers()[0].kill()
    _await_workers(service, 3)
    spread = _spread(service)
    assert sum(spread) == CONNECTIONS
    assert max(spread) - min(spread) <= 2


def _await_workers(service: Deployment, number: int) -> None:
    """Until so many workers in all have begun to serve: each says so once, just before."""
    deadline = time.monotonic() + 60
    while service.log("web").count('"event":"config_in_force"') < number:
        assert time.monotonic() < deadline, service.log("web")
        time.sleep(0.1)
    time.sleep(0.5)


def _spread(service: Deployment) -> list[int]:
    """How many connections each worker holds when many are made at once and each asks for something."""
    held = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(CONNECTIONS)]
    for each in held:
        each.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
    for each in held:
        assert each.recv(4096).startswith(b"HTTP/1.1 200")
    deadline = time.monotonic() + 10
    while sum(spread := [_held(worker, service.port) for worker in service.web_workers()]) < len(held):
        assert time.monotonic() < deadline, spread
        time.sleep(0.05)
    for each in held:
        each.close()
    return spread


def _held(worker: psutil.Process, port: int) -> int:
    open_now = worker.net_connections()
    return sum(each.status == "ESTABLISHED" and each.laddr.port == port for each in open_now)
