"""A file that is being scored survives the death of its worker: nothing is left out, nothing is in the ledger twice."""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
import requests

from data import scoring_store
from data.dialect import chunks
from helpers.clock import SystemClock
from services.accounts import AccountService
from tests.support.deployment import Deployment
from tests.support.models import Trained
from tests.support.scoring import as_csv, customers, read_csv, steady
from tests.support.stack import Deploy
from tests.support.visitor import PASSWORD

ROWS = 6_000
FILES = "/model_interface/files"


class Manager:
    """Somebody signed in over HTTP."""

    def __init__(self, made: Deployment) -> None:
        self._made = made
        self._session = requests.Session()
        AccountService(made.engine, SystemClock()).add("anna", "manager", PASSWORD, "a test")
        self.post("/login", {"username": "anna", "password": PASSWORD}, form="/login")

    def get(self, path: str) -> requests.Response:
        return self._session.get(f"{self._made.url}{path}", headers={"Accept": "text/html"}, timeout=60)

    def post(self, path: str, fields: dict[str, str], form: str = FILES, **options: Any) -> requests.Response:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get(form).text)
        assert found
        sent = {"csrf_token": found.group(1), **fields}
        headers = {"Accept": "text/html", "Referer": f"{self._made.url}{form}"}
        return self._session.post(f"{self._made.url}{path}", data=sent, headers=headers, timeout=60, **options)

    def upload(self, text: str) -> str:
        answer = self.post(FILES, {}, files={"file": ("customers.csv", text.encode())})
        assert answer.ok, answer.text
        return answer.url.rsplit("/", 1)[1]


def wait_for(condition: Callable[[], bool], seconds: float, log: Callable[[], str]) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, log()[-3000:]
        time.sleep(0.02)


def in_batches(made: Deployment, rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for some in chunks(rows, 1_000):
        instances = [{"key": row["client_id"], "reasons": 3, **row} for row in some]
        answers = made.post("/v1/predict/batch", {"instances": instances}).json()["answers"]
        yield from ({name: value for name, value in each.items() if name != "key"} for each in answers)


@pytest.mark.slow
def test_a_killed_workers_file_is_finished_and_equals_the_batch(
    deploy: Deploy, fresh_mariadb_url: str, redis_client: redis.Redis, redis_url: str, trained: Trained
) -> None:
    made = deploy(DATABASE_URL=fresh_mariadb_url, REDIS_URL=redis_url, WEB_CONCURRENCY="1")
    for name in ("web", "worker", "schedule"):
        made.start(name)
    manager, rows = Manager(made), customers(trained.rows, ROWS)
    job_id = manager.upload(as_csv(rows))

    def job() -> scoring_store.Job:
        with made.engine.connect() as connection:
            found = scoring_store.find(connection, job_id)
        assert found is not None
        return found

    def log() -> str:
        return f"{made.log('worker')}\n{made.log('schedule')}\n{job()}"

    wait_for(lambda: job().done >= 2_000, 60, log)
    made.kill("worker")
    assert job().state == scoring_store.RUNNING
    redis_client.flushdb()
    made.start("worker")
    wait_for(lambda: job().state == scoring_store.DONE, 120, log)

    lines = read_csv(manager.get(f"{FILES}/{job_id}/scored.csv").text)
    with made.engine.connect() as connection:
        found = [each for n in range(6) for each in scoring_store.answers(connection, job_id, n)]
    batch = list(in_batches(made, rows))
    assert [steady(each) for each in found] == [steady(each) for each in batch]
    assert [line["prediction_id"] for line in lines] == [each["prediction_id"] for each in found]
    made.wait_for("select count(*) from model_logs", 2 * ROWS)  # each once from the file, once from the batch
    assert made.scalar("select count(*) from model_logs where request_id = :job", job=job_id) == ROWS
