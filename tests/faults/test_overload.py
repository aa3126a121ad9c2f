"""More than a process can answer: it goes on answering what it can, and refuses the rest at once."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

import pytest
import requests

from tests.support.deployment import Deployment
from tests.support.stack import Deploy
from tests.support.traffic import session

pytestmark = [pytest.mark.slow, pytest.mark.promise("P12")]


class Crowd:
    """Clients who all ask again at once after an answer, and after a refusal when they were told to."""

    def __init__(self, deployment: Deployment, body: Any, clients: int) -> None:
        self._url, self._body = f"{deployment.url}/v1/predict/batch", body
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]
        self.answers: list[requests.Response] = []

    @contextmanager
    def asking(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in self._threads:
                thread.join()

    def statuses(self) -> Counter[int]:
        return Counter(answer.status_code for answer in self.answers)

    def _ask(self) -> None:
        with session() as own:
            while not self._over.is_set():
                answer = own.post(self._url, json=self._body, timeout=30)
                self.answers.append(answer)
                self._over.wait(float(answer.headers.get("Retry-After", "0")))


def test_overload_is_refused_and_answers_go_on(deploy: Deploy, customer: dict[str, Any]) -> None:
    deployment = deploy(WEB_CONCURRENCY="1")
    deployment.start("web")
    body = {"instances": [{"key": n, "client_id": f"c{n}", **customer} for n in range(80)]}
    few, many = Crowd(deployment, body, 8), Crowd(deployment, body, 96)
    with few.asking():
        time.sleep(1.5)
    with many.asking():
        ends, waits = time.monotonic() + 3, []
        while time.monotonic() < ends:
            started = time.monotonic()
            assert requests.get(f"{deployment.url}/health", timeout=5).status_code == 200
            waits.append(time.monotonic() - started)
            time.sleep(0.05)
        assert median(waits) < 1.5
    assert set(few.statuses()) == {200}
    assert set(many.statuses()) == {200, 503}
    assert many.statuses()[200] >= few.statuses()[200]
    refused = next(answer for answer in many.answers if answer.status_code == 503)
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert int(refused.headers["Retry-After"]) > 0
    assert (refused.json()["status"], refused.headers["X-Content-Type-Options"]) == (503, "nosniff")
    answered = [deployment.post("/v1/predict/batch", body).status_code for _ in range(5)]
    assert set(answered) == {200}
