"""200 changes at once by every way there is, half of them bad: of these none takes effect, of the rest none is lost."""

import json
import subprocess
import sys
from contextlib import ExitStack
from typing import Any

import pytest
from redis import Redis

from data import config_change_store, config_store
from data.config_store import ConfigRow
from tests.support.customers import customer_fields
from tests.support.deployment import ROOT, TOKEN, Deployment
from tests.support.models import Trained
from tests.support.pushing import POISON, PUSHES, good_cutoff
from tests.support.stack import Deploy
from tests.support.traffic import session

PUSHERS = 4

pytestmark = [pytest.mark.slow, pytest.mark.promise("P15")]


@pytest.fixture
def deployment(deploy: Deploy, empty_url: str, embedded_redis_url: str) -> Deployment:
    with Redis.from_url(embedded_redis_url) as redis:
        redis.flushall()
    made = deploy(DATABASE_URL=empty_url, REDIS_URL=embedded_redis_url, WEB_CONCURRENCY="2")
    made.configure(proba_cutoff="0.5")
    made.start("web")
    return made


def push_all(deployment: Deployment, customers: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[Any]]:
    """What became of the pushes, and the answers that were given meanwhile."""
    answers: list[Any] = []
    pushers = [_pusher(deployment, place) for place in range(PUSHERS)]
    while not all(_over(pusher) for pusher in pushers):
        instances = [{"key": n, "client_id": f"c{n}", **each} for n, each in enumerate(customers)]
        reply = deployment.post("/v1/predict/batch", {"instances": instances})
        assert reply.status_code == 200
        answers += reply.json()["answers"]
    pushed = []
    for place, pusher in enumerate(pushers):
        said = deployment.log(f"pusher-{place}")
        assert pusher.returncode == 0, said[-3000:]
        pushed += json.loads(next(line for line in said.splitlines() if line.startswith("[{")))
    return pushed, answers


def _over(pusher: "subprocess.Popen[bytes]") -> bool:
    """Leaves the processors to the pushers for a moment."""
    try:
        pusher.wait(timeout=0.05)
    except subprocess.TimeoutExpired:
        return False
    return True


def _pusher(deployment: Deployment, place: int) -> "subprocess.Popen[bytes]":
    words = [sys.executable, "-m", "tests.support.pushing", str(place), deployment.url, TOKEN]
    environ = {**deployment.environ, "PYTHONPATH": str(ROOT)}
    with (deployment.var_dir / f"pusher-{place}.log").open("wb") as log:
        return subprocess.Popen(words, cwd=deployment.var_dir, env=environ, stdout=log, stderr=log)


def test_two_hundred_pushes_at_once(deployment: Deployment, trained: Trained) -> None:
    customers = [customer_fields(trained.schema, number) for number in range(10)]
    pushed, answers = push_all(deployment, customers)
    assert len(pushed) == PUSHERS * PUSHES == 200
    good = [each for each in pushed if each["cutoff"] is not None]
    assert len(good) == 100
    assert [each for each in good if not each["acknowledged"]] == []
    assert {each["way"] for each in pushed if each["cutoff"] is None and each["acknowledged"]} == {"sql"}

    with deployment.engine.connect() as connection:
        rows = config_store.history(connection, limit=1_000)[::-1]
        changes = config_change_store.newest(connection, 1_000)
    cutoffs = [float(row.value) for row in rows if row.key == "proba_cutoff"]
    assert POISON not in cutoffs
    assert sorted(cutoffs) == sorted([0.5, *(each["cutoff"] for each in good), *[7.0] * cutoffs.count(7.0)])
    assert 7.0 in cutoffs, "nobody typed a bad cutoff"

    ids = [row.id for row in rows]
    assert len(changes) == 80
    for change in changes:
        assert change.revision is not None
        assert change.base_revision == max(each for each in ids if each < change.revision)

    in_force = cutoffs_by_revision(rows)
    assert {each["config_revision"] for each in answers} <= set(in_force)
    assert len({each["config_revision"] for each in answers}) > 1
    for each in answers:
        assert each["high_risk"] == ("yes" if each["prediction"] >= in_force[each["config_revision"]] else "no")
    told = deployment.post("/config-refresh", {}).json()
    assert (told["new_revision"], good_cutoff(PUSHERS, 0) > in_force[ids[-1]]) == (ids[-1], True)
    assert revisions_answered_by(deployment, customers[0]) == {ids[-1]}


def revisions_answered_by(deployment: Deployment, customer: dict[str, Any]) -> set[int]:
    """Those of every worker's next answer: kept connections are shared evenly among them."""
    with ExitStack() as stack:
        clients = [stack.enter_context(session()) for _ in range(8)]
        bodies = [{"client_id": f"last {n}", **customer} for n in range(len(clients))]
        answers = [
            each.post(f"{deployment.url}/predict", json=body, timeout=30)
            for each, body in zip(clients, bodies, strict=True)
        ]
        return {answer.json()["config_revision"] for answer in answers}


def cutoffs_by_revision(rows: list[ConfigRow]) -> dict[int, float]:
    """What must have been in force once the table had come to each of its rows."""
    found, standing = {}, 0.5
    for row in rows:
        if row.key == "proba_cutoff" and float(row.value) < 1:
            standing = float(row.value)
        found[row.id] = standing
    return found
