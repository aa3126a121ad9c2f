"""A bad challenger in a running service is paused by itself within a duty's period, and people are told."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from data.tables import config
from tests.support.deployment import Deployment
from tests.support.exposed import configure_at
from tests.support.stack import Deploy
from tests.support.third_party import AGES
from tests.support.traffic import post_all

CLASSES = "tests.support.third_party:FragileRule,tests.support.third_party:FearfulRule"

pytestmark = pytest.mark.slow


def ask(deployment: Deployment, customer: dict[str, Any], kind: str, n: int) -> list[Any]:
    old = {**customer, "tenure_months": AGES + 1}
    bodies = [("/predict", {"client_id": f"{kind}-{number}", **old}) for number in range(n)]
    return post_all(deployment.url, bodies, threads=4)


@pytest.mark.parametrize(
    ("model", "broken"), [("fragile_rule@7", "fails for 100 %"), ("fearful_rule@7", "unlike the champion")]
)
def test_a_bad_challenger_is_paused_by_itself(
    deploy: Deploy,
    fresh_mariadb_url: str,
    redis_url: str,
    redis_client: object,
    customer: dict[str, Any],
    model: str,
    broken: str,
) -> None:
    deployment = deploy(DATABASE_URL=fresh_mariadb_url, REDIS_URL=redis_url, MODEL_CLASSES=CLASSES)
    begun = datetime.now(UTC) - timedelta(minutes=2)
    arms = {"champion": 0.5, model: 0.5}
    with deployment.engine.begin() as connection:
        connection.execute(update(config).values(meta__inserted_at=begun))
    configure_at(
        deployment.engine,
        begun,
        experiment={"name": "trial", "salt": "trial", "arms": arms},
        guardrails={"minimum": 100},
        proba_cutoff="0.9",
        alert_recipients=["ops@example.com"],
    )
    deployment.start("web")
    before = Counter(reply.status_code for reply in ask(deployment, customer, "before", 300))
    assert (before[500] > 100) == (model == "fragile_rule@7")
    deployment.wait_for("select count(*) from model_logs", before[200])

    deployment.start("schedule")
    deployment.wait_for("select config_value from config where config_key = 'paused'", '["trial"]', 60)

    after = ask(deployment, customer, "after", 100)
    assert {(reply.status_code, reply.json()["arm"]) for reply in after} == {(200, "champion")}
    deployment.wait_for("select count(*) from model_logs where client_id like 'after-%'", 100)
    assert (
        deployment.scalar("select count(*) from model_logs where client_id like 'after-%' and experiment is null")
        == 100
    )
    assert deployment.scalar("select author from config where config_key = 'paused'") == "guardrails"
    why = deployment.scalar("select details from audit_log where action = 'challenger_paused' and subject = 'trial'")
    assert model in why
    assert broken in why

    deployment.start("worker")
    deployment.wait_for("select count(*) from notifications where sent_at is not null", 1, 60)
    (letter,) = Path(deployment.var_dir / "mail").glob("*.eml")
    said = letter.read_text(encoding="utf-8")
    assert f"Challenger paused: {model} in trial" in said
    assert "ops@example.com" in said
