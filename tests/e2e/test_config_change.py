"""A row typed in SQL reaches every worker; a bad one reaches none and is reported."""

from typing import Any

import pytest
import requests

from tests.support.deployment import TOKEN, Deployment
from tests.support.stack import Deploy
from tests.support.traffic import post_all

WORKERS = 4

pytestmark = pytest.mark.slow


@pytest.fixture
def deployment(deploy: Deploy, fresh_mariadb_url: str, redis_url: str, redis_client: object) -> Deployment:
    made = deploy(DATABASE_URL=fresh_mariadb_url, REDIS_URL=redis_url, WEB_CONCURRENCY=str(WORKERS))
    made.configure(proba_cutoff="0.99")
    made.start("web")
    return made


def refresh(deployment: Deployment) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = requests.post(f"{deployment.url}/config-refresh", headers=headers, timeout=10)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def cpu_seconds(deployment: Deployment) -> dict[int, float]:
    workers = deployment.web_workers()
    assert len(workers) == WORKERS
    return {worker.pid: sum(worker.cpu_times()[:2]) for worker in workers}


def ask_all_workers(deployment: Deployment, customer: dict[str, Any]) -> list[dict[str, Any]]:
    """Answers over many connections, at least 300 and until every worker has worked on some."""
    before = cpu_seconds(deployment)
    answers: list[dict[str, Any]] = []
    for attempt in range(20):
        bodies = [("/predict", {"client_id": f"c{attempt}-{n}", **customer}) for n in range(150)]
        answers += [reply.json() for reply in post_all(deployment.url, bodies, threads=16)]
        after = cpu_seconds(deployment)
        if attempt and all(after[pid] > before[pid] for pid in before):
            return answers
    raise AssertionError("a worker never had anything to do")


def test_a_sql_insert_and_one_refresh_change_every_worker_but_an_impossible_value_none(
    deployment: Deployment, customer: dict[str, Any]
) -> None:
    first = ask_all_workers(deployment, customer)
    probability = first[0]["prediction"]
    assert {answer["high_risk"] for answer in first} == {"no"}

    deployment.configure(proba_cutoff=str(max(0.01, round(probability / 2, 4))))
    told = refresh(deployment)
    assert told["new_revision"] == told["old_revision"] + 1 == 3
    assert (told["fleet_told"], told["problem"]) == (True, None)

    second = ask_all_workers(deployment, customer)
    assert {answer["high_risk"] for answer in second} == {"yes"}
    assert {answer["config_revision"] for answer in second} == {3}

    deployment.configure(proba_cutoff="7")
    told = refresh(deployment)
    assert "proba_cutoff" in told["problem"]
    after = ask_all_workers(deployment, customer)
    assert {answer["high_risk"] for answer in after} == {"yes"}

    ready = requests.get(f"{deployment.url}/health/ready", timeout=10)
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    assert "proba_cutoff" in ready.json()["degraded"]["config"]
    assert "config_row_refused" in deployment.log("web")
    headers = {"Authorization": f"Bearer {TOKEN}"}
    metrics = requests.get(f"{deployment.url}/metrics", headers=headers, timeout=10).text
    counted = next(line for line in metrics.splitlines() if line.startswith("holdfast_config_rows_refused_total"))
    assert float(counted.split()[-1]) == WORKERS
