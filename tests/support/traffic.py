"""Requests by many threads at once, each answer kept."""

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.support.deployment import TOKEN, Deployment

READS = ("/v1/config/history", "/v1/experiments", "/v1/config")  # whole answers: what is streamed has begun by then


def session() -> requests.Session:
    made = requests.Session()
    made.headers["Authorization"] = f"Bearer {TOKEN}"
    return made


def post_all(url: str, bodies: Iterable[tuple[str, Any]], threads: int = 8) -> list[requests.Response]:
    """The answer to every (path, body), in order."""
    local = threading.local()

    def post(item: tuple[str, Any]) -> requests.Response:
        if not hasattr(local, "session"):
            local.session = session()
        answer: requests.Response = local.session.post(f"{url}{item[0]}", json=item[1], timeout=30)
        return answer

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(post, bodies))


@dataclass
class Load:
    """Steady posts of fresh clients to /predict until `stop`. `statuses` counts answers by status, with
    0 for a connection that broke; `acknowledged` are the prediction ids of the 200s."""

    deployment: Deployment
    customer: dict[str, Any]
    per_second: float = 60
    threads: int = 4
    prefix: str = "load"
    acknowledged: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def __enter__(self) -> "Load":
        self._stopped = threading.Event()
        self._numbers = itertools.count()
        self._threads = [threading.Thread(target=self._run) for _ in range(self.threads)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def wait_for_answers(self, number: int, seconds: float = 30) -> None:
        """Until `number` more requests were answered."""
        goal = len(self.statuses) + number
        _wait(lambda: len(self.statuses) >= goal, seconds)

    def _run(self) -> None:
        with session() as own:
            while not self._stopped.is_set():
                started = time.monotonic()
                self._post(own)
                self._stopped.wait(max(0.0, self.threads / self.per_second - (time.monotonic() - started)))

    def _post(self, own: requests.Session) -> None:
        body = {"client_id": f"{self.prefix}-{next(self._numbers)}", **self.customer}
        started = time.monotonic()
        try:
            answer = own.post(f"{self.deployment.url}/predict", json=body, timeout=30)
        except requests.RequestException:
            self.statuses.append(0)
            return
        if answer.status_code == 200:
            self.acknowledged.append(answer.json()["prediction_id"])
        self.seconds.append(time.monotonic() - started)
        self.statuses.append(answer.status_code)


@contextmanager
def reading(deployment: Deployment) -> Iterator[list[int]]:
    """What is read from the database, over and over; the statuses of the answers."""
    statuses: list[int] = []
    over = threading.Event()

    def read() -> None:
        with session() as own:
            while not over.wait(0.02):
                path = READS[len(statuses) % len(READS)]
                statuses.append(own.get(f"{deployment.url}{path}", timeout=30).status_code)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield statuses
    finally:
        over.set()
        thread.join()


def wait_for_reads(statuses: list[int], seconds: float = 30) -> None:
    """Until one has begun and ended, so that no read meets two kills."""
    goal = len(statuses) + 2
    _wait(lambda: len(statuses) >= goal, seconds)


def change_cutoff(deployment: Deployment, cutoff: float) -> int:
    """A change of the configuration, which writes and is not tried twice; the status of the answer. In a service that
    nobody else asks, nobody else has found out before that its connections were dropped."""
    body = {"values": {"proba_cutoff": cutoff}, "reason": "a test"}
    return deployment.post("/v1/config", body).status_code


def _wait(ready: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError("the requests made no progress")
        time.sleep(0.02)
