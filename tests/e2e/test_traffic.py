"""Mixed traffic on MariaDB and Redis: arms, holdout, shadow and ledger hold to the configuration."""

import json
import math
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import text

from tests.support.deployment import Deployment
from tests.support.models import Trained
from tests.support.stack import Deploy
from tests.support.traffic import post_all

CLIENTS, REQUESTS, BATCHES, HOLDOUT = 200, 1_900, 20, 20
SHARES = {"champion": 0.7, "challenger": 0.3}

pytestmark = pytest.mark.slow


def traffic(customer: dict[str, Any]) -> list[tuple[str, Any]]:
    """1,900 single requests and 20 batches of five, over 200 clients."""
    bodies: list[tuple[str, Any]] = []
    for number in range(REQUESTS):
        path = "/v1/predict" if number % 3 == 0 else "/predict"
        reasons = {"reasons": 3} if number % 2 else {}
        bodies.append((path, {"client_id": f"client-{number % CLIENTS}", **customer, **reasons}))
    for number in range(BATCHES):
        instances = [{"key": k, "client_id": f"client-{number * 5 + k}", **customer} for k in range(5)]
        bodies.append(("/v1/predict/batch", {"instances": instances}))
    return bodies


@pytest.fixture
def answers(
    deploy: Deploy, fresh_mariadb_url: str, redis_url: str, redis_client: object, customer: dict[str, Any]
) -> tuple[Deployment, list[dict[str, Any]]]:
    deployment = deploy(DATABASE_URL=fresh_mariadb_url, REDIS_URL=redis_url, WEB_CONCURRENCY="2")
    deployment.configure(
        experiment={"name": "first", "salt": "first", "arms": SHARES},
        shadow=["heuristic"],
        holdout_percentage=str(HOLDOUT),
    )
    deployment.start("web")
    replies = post_all(deployment.url, traffic(customer))
    assert {reply.status_code for reply in replies} == {200}
    found = [reply.json() for reply in replies]
    return deployment, [each for one in found for each in one.get("answers", [one])]


def test_two_thousand_mixed_requests(answers: tuple[Deployment, list[dict[str, Any]]], trained: Trained) -> None:
    deployment, found = answers
    assert len(found) == REQUESTS + 5 * BATCHES
    deployment.wait_for("select count(*) from model_logs", len(found))
    with deployment.engine.connect() as connection:
        rows = {row.prediction_id: row for row in connection.execute(text("select * from model_logs"))}
    assert set(rows) == {each["prediction_id"] for each in found}

    arms = {
        each["client_id"]: {other["arm"] for other in found if other["client_id"] == each["client_id"]}
        for each in found
    }
    assert all(len(seen) == 1 for seen in arms.values()), "a client met two arms"
    check_shares(Counter(seen.pop() for seen in arms.values()))

    heuristic = trained.aliases["heuristic"]
    for each in found:
        row = rows[each["prediction_id"]]
        silent = json.loads(row.silent_scores)
        assert 0 < silent[heuristic] < 1
        if each["arm"] == "holdout":
            check_held_out(each, row, silent)
        else:
            assert 0 < each["prediction"] < 1
            assert row.prediction == each["prediction"]
            assert f"{row.model}@{row.model_version}" == trained.aliases[each["arm"]]


def check_shares(clients: Counter[str]) -> None:
    held = clients.pop("holdout")
    assert abs(held / CLIENTS - HOLDOUT / 100) < 3 * math.sqrt(0.2 * 0.8 / CLIENTS)
    open_clients = clients.total()
    for arm, share in SHARES.items():
        assert abs(clients[arm] / open_clients - share) < 3 * math.sqrt(share * (1 - share) / open_clients)


def check_held_out(each: dict[str, Any], row: Any, silent: dict[str, float]) -> None:
    shown = ("prediction", "high_risk", "money_at_risk")
    assert [each[name] for name in shown] == [None, None, None]
    assert each["reasons"] == []
    assert row.prediction is None
    assert 0 < silent[f"{row.model}@{row.model_version}"] < 1
    assert "silent" not in each
