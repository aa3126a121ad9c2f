"""A process that is told to stop: others learn of it first, and nothing that is sent meanwhile fails."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from tests.support.deployment import Deployment
from tests.support.stack import Deploy
from tests.support.traffic import session

pytestmark = [pytest.mark.slow, pytest.mark.promise("P11")]
DRAIN_SECONDS = 2


class Balancer:
    """Sends each request to one that was ready when last looked at, as proxies do; connections are kept."""

    def __init__(self, deployments: list[Deployment], customer: dict[str, Any]) -> None:
        self._customer = customer
        self._ready = list(deployments)
        self._deployments = deployments
        self._over = threading.Event()
        self.statuses: list[int] = []

    @contextmanager
    def sending(self, threads: int = 4) -> Iterator[None]:
        started = [threading.Thread(target=each) for each in (self._look, *[self._send] * threads)]
        for thread in started:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in started:
                thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.2):
            self._ready = [
                each for each in self._deployments if status(requests.get, f"{each.url}/health/ready") == 200
            ]

    def _send(self) -> None:
        with session() as own:
            while not self._over.wait(0.04):
                chosen = self._ready[len(self.statuses) % len(self._ready)]
                body = {"client_id": f"client {len(self.statuses)}", **self._customer}
                self.statuses.append(status(own.post, f"{chosen.url}/predict", json=body))


def status(ask: Callable[..., requests.Response], url: str, **options: Any) -> int:
    """Of the answer, 0 for none."""
    try:
        return ask(url, timeout=10, **options).status_code
    except requests.RequestException:
        return 0


def test_a_stop_fails_no_request(deploy: Deploy, embedded_redis_url: str, customer: dict[str, Any]) -> None:
    environ = {"REDIS_URL": embedded_redis_url, "WEB_CONCURRENCY": "1", "DRAIN_SECONDS": str(DRAIN_SECONDS)}
    first, second = deploy("first", **environ), deploy("second", **environ)
    first.start("web")
    second.start("web")
    balancer = Balancer([first, second], customer)
    with balancer.sending(), session() as keeping:
        assert "close" not in keeping.get(f"{first.url}/health", timeout=5).headers.get("Connection", "")
        web = first.processes["web"]
        told = time.monotonic()
        web.send_signal(signal.SIGTERM)
        while status(requests.get, f"{first.url}/health/ready") != 503:
            assert time.monotonic() < told + 1
        late = keeping.get(f"{first.url}/health", timeout=5)
        assert (late.status_code, late.headers["Connection"]) == (200, "close")
        assert first.post("/predict", {"client_id": "anna", **customer}).status_code == 200
        assert web.wait(timeout=15) == 0
        assert time.monotonic() > told + DRAIN_SECONDS
    assert len(balancer.statuses) > 50
    assert set(balancer.statuses) == {200}
