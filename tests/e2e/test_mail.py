"""`email_policy=high_risk`: each high-risk answer causes one message, though the worker is killed on the way."""

import time
from collections import Counter
from typing import Any

import pytest

from tests.support.models import Trained
from tests.support.peers import SmtpPeer
from tests.support.stack import Deploy
from tests.support.traffic import post_all

ANSWERS = 60

pytestmark = [pytest.mark.slow, pytest.mark.promise("P8")]


def test_each_high_risk_answer_causes_exactly_one_message(
    deploy: Deploy, fresh_mariadb_url: str, redis_url: str, redis_client: object, smtp_peer: SmtpPeer, trained: Trained
) -> None:
    deployment = deploy(DATABASE_URL=fresh_mariadb_url, REDIS_URL=redis_url, SMTP_URL=smtp_peer.url)
    deployment.configure(
        email_policy="high_risk", email_recipients=["retention@example.com", "boss@example.com"], proba_cutoff="0.2"
    )
    deployment.start("web")
    deployment.start("schedule")
    smtp_peer.reply = lambda _attempt, _id: time.sleep(0.1) or "250 accepted"  # type: ignore[func-returns-value]
    deployment.start("worker")

    bodies = [("/predict", {"client_id": f"m{n}", **row, "reasons": 2}) for n, row in enumerate(trained.rows[:ANSWERS])]
    answers: list[dict[str, Any]] = [reply.json() for reply in post_all(deployment.url, bodies)]
    due = {answer["prediction_id"] for answer in answers if answer["high_risk"] == "yes"}
    assert 5 < len(due) < ANSWERS

    wait_until(lambda: len(smtp_peer.inbox) >= 3)
    deployment.kill("worker")
    sent_before = len(smtp_peer.inbox)
    assert sent_before < len(due), "the worker was killed too late to show anything"
    deployment.start("worker")
    deployment.wait_for("select count(*) from notifications where sent_at is null", 0, seconds=120)

    by_id = Counter(received.message_id.strip("<>").split("@")[0] for received in smtp_peer.inbox)
    assert set(by_id) == due
    assert by_id.total() - len(by_id) <= 1, "only the message under way at the kill may come twice"
    one = smtp_peer.inbox[0]
    assert one.recipients == ["retention@example.com", "boss@example.com"]
    assert {part.get_content_type() for part in one.message.walk()} >= {"text/plain", "text/html"}


def wait_until(ready: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.02)
