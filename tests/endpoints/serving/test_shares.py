"""Workers that share connections evenly, also when one of them died or hangs."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psutil

from endpoints.serving.shares import CHANCES, Courtesy, Shares
from tests.support.connections import received
from tests.support.deployment import Deployment
from tests.support.stack import Deploy

CONNECTIONS = 16


def test_who_has_fewer_is_seen_while_it_lives() -> None:
    shares = Shares()
    shares.tell(1, 3)
    assert shares.fewer(1, 3) == shares.fewer(1, 4) == [], "it is alone"
    shares.tell(2, 3)
    assert shares.fewer(1, 3) == []
    shares.tell(2, 2)
    assert shares.fewer(1, 3) == [(2, 2)]
    assert shares.fewer(2, 2) == []
    shares.leave(2)
    assert shares.fewer(1, 3) == [], "who is gone takes no connection"
    shares.tell(3, 0)
    assert shares.fewer(1, 3) == [(3, 0)]


def test_who_has_fewer_goes_first_until_it_let_all_its_chances_pass() -> None:
    courtesy = Courtesy()
    hanging, slow = (2, 0), (3, 1)
    assert not courtesy.grants([])
    assert [courtesy.grants([hanging]) for _ in range(CHANCES + 2)] == [True] * CHANCES + [False] * 2
    assert [courtesy.grants([hanging, slow]) for _ in range(CHANCES + 1)] == [True] * CHANCES + [False]
    assert courtesy.grants([hanging, (3, 2)]), "it came, late"
    assert not courtesy.grants([hanging])


def test_connections_that_are_kept_are_spread_over_the_workers(deploy: Deploy) -> None:
    service = deploy(WEB_CONCURRENCY="2")
    service.start("web")
    _check_the_spread(service)
    killed = service.web_workers()[0]
    killed.kill()
    killed.wait(30)
    _check_the_spread(service)


def test_a_worker_that_hangs_keeps_no_connection_waiting(deploy: Deploy) -> None:
    service = deploy(WEB_CONCURRENCY="2")
    service.start("web")
    hanging, well = _workers_at_work(service)
    hanging.suspend()
    with _connections(service, CONNECTIONS):
        assert _held(well, service.port) == CONNECTIONS
    hanging.resume()


def _check_the_spread(service: Deployment) -> None:
    workers = _workers_at_work(service)
    with _connections(service, CONNECTIONS):
        spread = [_held(worker, service.port) for worker in workers]
    assert sum(spread) == CONNECTIONS
    assert max(spread) - min(spread) <= 2


def _workers_at_work(service: Deployment) -> list[psutil.Process]:
    """Once each of the two has taken a connection, and all of those are closed."""
    deadline = time.monotonic() + 60
    with ExitStack() as stack:
        while not all(spread := _spread(service)) or len(spread) < 2:
            assert time.monotonic() < deadline, service.log("web")
            stack.enter_context(_connections(service, 1))
    while any(_spread(service)):
        assert time.monotonic() < deadline, service.log("web")
        time.sleep(0.05)
    return service.web_workers()


@contextmanager
def _connections(service: Deployment, number: int) -> Iterator[None]:
    """So many that are made at once, each of which got an answer and is kept."""
    with ExitStack() as stack:
        address = "127.0.0.1", service.port
        held = [stack.enter_context(socket.create_connection(address, timeout=30)) for _ in range(number)]
        for each in held:
            each.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert [received(each).status for each in held] == [200] * number
        yield


def _spread(service: Deployment) -> list[int]:
    return [_held(worker, service.port) for worker in service.web_workers()]


def _held(worker: psutil.Process, port: int) -> int:
    open_now = worker.net_connections()
    return sum(each.status == "ESTABLISHED" and each.laddr.port == port for each in open_now)
