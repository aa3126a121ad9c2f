"""Mixed traffic on MariaDB and Redis: arms, holdout, shadow and ledger hold to the configuration."""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from sqlalchemy import text

from tests.endpoints.test_predict import FIELDS
from tests.support.deployment import Deployment
from tests.support.models import Trained, scorer
from tests.support.stack import Deploy
from tests.support.traffic import post_all

CLIENTS, REQUESTS, BATCHES, HOLDOUT = 200, 1_900, 20, 20
SHARES = {"champion": 0.7, "challenger": 0.3}

pytestmark = pytest.mark.slow


def traffic(customers: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    """1,900 single requests and 20 batches of five, over 200 clients; those of one client come at once."""
    bodies: list[tuple[str, Any]] = []
    for number in range(REQUESTS):
        path = "/v1/predict" if number % 3 == 0 else "/predict"
        reasons = {"reasons": 3} if number % 2 else {}
        customer = customers[number % len(customers)]
        bodies.append((path, {"client_id": f"client-{number * CLIENTS // REQUESTS}", **customer, **reasons}))
    for number in range(BATCHES):
        chosen = [(k, number * 5 + k) for k in range(5)]
        instances = [{"key": k, "client_id": f"client-{n}", **customers[n % len(customers)]} for k, n in chosen]
        bodies.append(("/v1/predict/batch", {"instances": instances}))
    return bodies


@pytest.fixture
def answers(
    deploy: Deploy, fresh_mariadb_url: str, redis_url: str, redis_client: object, trained: Trained
) -> tuple[Deployment, list[dict[str, Any]]]:
    deployment = deploy(DATABASE_URL=fresh_mariadb_url, REDIS_URL=redis_url, WEB_CONCURRENCY="2")
    deployment.configure(
        experiment={"name": "first", "salt": "first", "arms": SHARES},
        shadow=["heuristic"],
        holdout_percentage=str(HOLDOUT),
    )
    deployment.start("web")
    replies = post_all(deployment.url, traffic([row for row in trained.rows if None not in row.values()]))
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

    check_sightings(found)
    heuristic = trained.aliases["heuristic"]
    own_score = scorer(trained.models_dir)
    for each in found:
        row = rows[each["prediction_id"]]
        silent = json.loads(row.silent_scores)
        assert set(each) - {"key"} == set(FIELDS)
        assert silent[heuristic] == own_score(heuristic, row.input)
        if each["arm"] == "holdout":
            check_held_out(each, row, silent, own_score)
        else:
            assert 0 < each["prediction"] < 1
            assert row.prediction == each["prediction"]
            assert f"{row.model}@{row.model_version}" == trained.aliases[each["arm"]]
            assert row.prediction == pytest.approx(own_score(trained.aliases[each["arm"]], row.input), abs=1e-6)
            assert set(silent) == {heuristic}


def check_sightings(found: list[dict[str, Any]]) -> None:
    """Each sighting of a client was counted once, whichever process and thread met it."""
    seen: dict[str, list[int]] = defaultdict(list)
    for each in found:
        seen[each["client_id"]].append(each["recent_times_id_seen"])
    assert len(seen) == CLIENTS
    for counts in seen.values():
        assert sorted(counts) == list(range(len(counts)))


def check_shares(clients: Counter[str]) -> None:
    held = clients.pop("holdout")
    assert abs(held / CLIENTS - HOLDOUT / 100) < 3 * math.sqrt(0.2 * 0.8 / CLIENTS)
    open_clients = clients.total()
    for arm, share in SHARES.items():
        assert abs(clients[arm] / open_clients - share) < 3 * math.sqrt(share * (1 - share) / open_clients)


def check_held_out(
    each: dict[str, Any], row: Any, silent: Mapping[str, float], own_score: Callable[[str, str], float]
) -> None:
    """The caller gets no hint of the score that the ledger keeps."""
    shown = ("prediction", "high_risk", "money_at_risk")
    assert [each[name] for name in shown] == [None, None, None]
    assert each["reasons"] == []
    assert row.prediction is None
    reference = f"{row.model}@{row.model_version}"
    score = silent[reference]
    assert score == pytest.approx(own_score(reference, row.input), abs=1e-6)
    assert not set(silent.values()).intersection(value for value in each.values() if isinstance(value, float))
