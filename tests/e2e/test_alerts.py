"""Clients that are answered over HTTP cross the line, and the receiver of webhooks hears of each; then once more when
people ask for it."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.deployment import ROOT, Deployment
from tests.support.models import Trained
from tests.support.stack import Deploy
from tests.support.traffic import post_all
from tests.support.webhook_peer import SECRET, TOKEN, WebhookPeer

CLIENTS = 60

pytestmark = pytest.mark.slow


def test_each_client_that_crosses_is_told_of_under_one_id_for_good(
    deploy: Deploy,
    fresh_mariadb_url: str,
    redis_url: str,
    redis_client: Any,
    webhook_peer: WebhookPeer,
    trained: Trained,
) -> None:
    deployment = deploy(DATABASE_URL=fresh_mariadb_url, REDIS_URL=redis_url, **webhook_peer.environ)
    deployment.configure(proba_cutoff="0.2", holdout_percentage="20")
    deployment.start("web")
    bodies = [("/predict", {"client_id": f"c{n}", **row}) for n, row in enumerate(trained.rows[:CLIENTS])]
    answers = [reply.json() for reply in post_all(deployment.url, bodies)]
    high = {answer["client_id"]: answer for answer in answers if answer["high_risk"] == "yes"}
    assert len(high) > 5
    assert any(answer["arm"] == "holdout" for answer in answers)
    deployment.wait_for("select count(*) from model_logs", CLIENTS)

    webhook_peer.reply = lambda attempt, _id: 500 if attempt == 1 else slowly(204)
    deployment.start("worker")
    deployment.start("schedule")
    wait_until(lambda: len(set(webhook_peer.taken())) >= 2, deployment)
    deployment.kill("worker")
    assert len(webhook_peer.taken()) < len(high), "the worker was killed too late to show anything"
    redis_client.flushdb()
    deployment.start("worker")
    deployment.wait_for("select count(*) from notifications where sent_at is not null", len(high), seconds=120)

    told = {delivery.content["data"]["client_id"]: delivery for delivery in webhook_peer.deliveries}
    assert set(told) == set(high)
    assert len(webhook_peer.taken()) - len(high) <= 1, "only the one under way at the kill may come twice"
    for client_id, delivery in told.items():
        said = delivery.content["data"]
        assert delivery.content["type"] == "client.risk.entered"
        assert said["prediction_id"] == high[client_id]["prediction_id"]
        assert said["money_at_risk"] == pytest.approx(high[client_id]["money_at_risk"], abs=0.01)

    first = set(webhook_peer.taken())
    crossings = deployment.scalar("select count(*) from risk_changes")
    webhook_peer.deliveries.clear()
    assert webhooks(deployment, "replay", "--since", "2020-01-01", "--json") == {"due_again": len(high)}
    wait_until(lambda: len(webhook_peer.taken()) == len(high), deployment)
    assert set(webhook_peer.taken()) == first
    assert deployment.scalar("select count(*) from risk_changes") == crossings == len(high)
    assert {row["state"] for row in webhooks(deployment, "list", "--json")} <= {"sent", "waiting"}
    assert webhook_peer.forged == 0
    for name in ("web", "worker", "schedule"):
        assert TOKEN not in deployment.log(name)
        assert SECRET not in deployment.log(name)


def slowly(status: int) -> int:
    time.sleep(0.2)
    return status


def webhooks(deployment: Deployment, *words: str) -> Any:
    command = [sys.executable, "-m", "flask", "--app", "app", "webhooks", *words]
    ran = subprocess.run(command, cwd=ROOT, env=deployment.environ, capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


def wait_until(ready: Callable[[], bool], deployment: Deployment, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, deployment.log("worker")[-2000:] + deployment.log("schedule")[-2000:]
        time.sleep(0.05)
