"""A secret is told to nobody: each one in use is looked for in everything that a running service leaves behind."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis
import requests
from sqlalchemy import make_url

from helpers.clock import SystemClock
from jobs.commands.up import PROCESSES
from services.accounts import AccountService
from tests.support import canaries
from tests.support.canaries import canary
from tests.support.deployment import Deployment
from tests.support.peers import ACCEPT, S3Peer, SmtpPeer
from tests.support.report_peer import ReportPeer, report_server
from tests.support.stack import Deploy
from tests.support.third_party import AGES
from tests.support.tokens import key_set, secret_jwk, signed
from tests.support.web_visitor import WebVisitor
from tests.support.webhook_peer import SECRET as WEBHOOK_SECRET
from tests.support.webhook_peer import TOKEN as WEBHOOK_TOKEN
from tests.support.webhook_peer import WebhookPeer

pytestmark = [pytest.mark.slow, pytest.mark.promise("P22")]
NAMES = (
    *("ACCESS_TOKEN", "SECRET_KEY", "METRICS_TOKEN", "STAGE_TOKEN", "JWT_KEYS", "SENTRY_DSN", "DATABASE_URL"),
    *("REDIS_URL", "SMTP_URL", "AWS_SECRET_ACCESS_KEY", "password", "wrong password", "next password", "wrong token"),
)


PLACES = {"web.log", "worker.log", "schedule.log", "reports", "webhook", "mail", "table app_credentials"}


@dataclass
class Watched:
    """A deployment whose secrets are all known, and what was seen of it so far."""

    deployment: Deployment
    secrets: dict[str, str]
    reports: ReportPeer
    smtp: SmtpPeer
    s3: S3Peer
    webhooks: WebhookPeer
    redis: "redis.Redis"
    answers: list[requests.Response] = field(default_factory=list)

    def call(self, method: str, path: str, token: str = "", **options: Any) -> int:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = requests.request(method, self.deployment.url + path, headers=headers, timeout=30, **options)
        self.answers.append(answer)
        return answer.status_code

    def left_behind(self) -> Iterator[tuple[str, bytes]]:
        yield from canaries.files(self.deployment.var_dir)
        yield "reports", self.reports.told().encode()
        yield from ((key, self.s3.body(key)) for key in self.s3.listing())
        yield from (("mail", each.message.as_bytes()) for each in self.smtp.inbox)
        yield from (("webhook", repr(each.content).encode()) for each in self.webhooks.deliveries)
        yield from canaries.keys(self.redis)
        yield from ((answer.url, repr(answer.headers).encode() + answer.content) for answer in self.answers)


@pytest.fixture
def watched(
    tmp_path: Path,
    embedded_redis_url: str,
    fresh_mariadb_url: str,
    smtp_peer: SmtpPeer,
    s3_peer: S3Peer,
    webhook_peer: WebhookPeer,
    deploy: Deploy,
) -> Iterator[Watched]:
    known = {name: canary() for name in NAMES}
    with ExitStack() as stack:
        peer = stack.enter_context(report_server(ReportPeer(known["SENTRY_DSN"])))
        client = stack.enter_context(redis.Redis.from_url(f"{embedded_redis_url}?db=3"))
        client.flushdb()
        stack.callback(client.config_set, "requirepass", "")
        client.config_set("requirepass", known["REDIS_URL"])
        deployment = deploy(
            ACCESS_TOKEN=known["ACCESS_TOKEN"],
            SECRET_KEY=known["SECRET_KEY"],
            METRICS_TOKEN=known["METRICS_TOKEN"],
            STAGE_URL="http://127.0.0.1:1",
            STAGE_TOKEN=known["STAGE_TOKEN"],
            JWT_KEYS=key_set(secret_jwk(known["JWT_KEYS"].encode())),
            SENTRY_DSN=peer.dsn,
            DATABASE_URL=stack.enter_context(canaries.mariadb_user(fresh_mariadb_url, known["DATABASE_URL"])),
            REDIS_URL=f"{embedded_redis_url}?db=3&password={known['REDIS_URL']}",
            SMTP_URL=f"smtp://holdfast:{known['SMTP_URL']}@127.0.0.1:{smtp_peer.port}",
            S3_BUCKET=s3_peer.bucket,
            S3_ENDPOINT_URL=s3_peer.endpoint_url,
            AWS_ACCESS_KEY_ID="testing",
            AWS_SECRET_ACCESS_KEY=known["AWS_SECRET_ACCESS_KEY"],
            MODEL_CLASSES="tests.support.third_party:FragileRule",
            **webhook_peer.environ,
        )
        secrets = {**known, "webhook address": WEBHOOK_TOKEN, "webhook secret": WEBHOOK_SECRET}
        yield Watched(deployment, secrets, peer, smtp_peer, s3_peer, webhook_peer, client)


def test_no_secret_is_left_anywhere(watched: Watched, customer: dict[str, Any], fresh_mariadb_url: str) -> None:
    deployment, known = watched.deployment, watched.secrets
    AccountService(deployment.engine, SystemClock()).add("anna", "admin", known["password"], "a test")
    watched.smtp.reply = lambda attempt, _id: "421 come back" if attempt == 1 else ACCEPT
    deployment.configure(email_policy="every", email_recipients=["boss@example.com"], proba_cutoff="0.01")
    for name in PROCESSES:
        deployment.start(name)
    known["session"] = person(watched)
    programs(watched, {"client_id": "c1", **customer})
    deployment.configure(experiment={"name": "bad", "salt": "bad", "arms": {"champion": 0.01, "fragile_rule@7": 0.99}})
    assert failures(watched, {**customer, "tenure_months": AGES + 1}) > 0
    until(lambda: "no more licences" in watched.reports.told())
    until(lambda: watched.webhooks.deliveries and watched.s3.listing() and watched.smtp.inbox)
    kept = [*canaries.rows(deployment.engine)]
    canaries.shut_out(fresh_mariadb_url, str(make_url(deployment.database_url).username))
    assert watched.call("GET", "/v1/call-list", known["ACCESS_TOKEN"]) == 503
    assert WebVisitor(deployment.url).sign_in("anna", known["password"]).status_code == 503
    for name in PROCESSES:
        deployment.stop(name)

    seen = [*watched.left_behind(), *kept]
    assert {where for where, _ in seen} >= PLACES
    leaks = {
        (where, name)
        for where, content in seen
        for name, secret in known.items()
        for spelled in canaries.spellings(secret)
        if spelled in content
    }
    assert leaks == {("reports", "SENTRY_DSN")}, "which is the receiver's own"


def person(watched: Watched) -> str:
    """Signs in, not at the first try, and takes another password. Gives the session's cookie."""
    browser, known = WebVisitor(watched.deployment.url), watched.secrets
    assert browser.sign_in("anna", known["wrong password"]).status_code == 401
    assert browser.sign_in(known["wrong password"], known["password"]).status_code == 401
    assert browser.sign_in("anna", known["password"]).status_code == 303
    assert browser.get("/account").status_code == 200
    watched.answers.append(browser.get("/team/audit"))
    cookie = str(browser.session.cookies["holdfast"])
    for chosen, status in (("short", 422), (known["next password"], 303)):
        changed = browser.post("/account/password", {"current": known["password"], "password": chosen})
        assert changed.status_code == status
    return cookie


def programs(watched: Watched, body: dict[str, Any]) -> None:
    """Calls with tokens of every kind, right and wrong, in every place."""
    known = watched.secrets
    claims = {"sub": "crm", "aud": "holdfast", "scope": "predict", "exp": time.time() + 60}
    known["signed token"] = signed(claims, "oct-1", known["JWT_KEYS"].encode(), "HS256")
    forged = signed({**claims, "exp": 1}, "oct-1", known["JWT_KEYS"].encode(), "HS256")
    for token in (known["ACCESS_TOKEN"], known["signed token"]):
        assert watched.call("POST", "/predict", token, json=body) == 200
        assert watched.call("POST", "/predict", json={**body, "token": token}) == 200
        assert watched.call("POST", "/predict", json={**body, "token": token, "shoe": 1}) == 422
        assert watched.call("POST", f"/predict?token={token}", json=body) == 401
    for token in (known["wrong token"], known["METRICS_TOKEN"]):
        assert watched.call("POST", "/predict", token, json=body) == 403
        assert watched.call("POST", "/predict", json={**body, "token": token}) == 403
    assert watched.call("POST", "/predict", forged, json=body) == 401
    broken = json.dumps({**body, "token": known["ACCESS_TOKEN"]})[:-1]
    assert watched.call("POST", "/predict", data=broken) == 415
    assert watched.call("GET", "/metrics", known["METRICS_TOKEN"]) == 200
    change = {"values": {"proba_cutoff": 0.02}, "reason": "a test"}
    assert watched.call("POST", "/v1/config", known["ACCESS_TOKEN"], json=change) >= 400, "staging does not answer"
    assert watched.call("GET", "/config-refresh", known["ACCESS_TOKEN"]) == 200


def failures(watched: Watched, customer: dict[str, Any]) -> int:
    token = watched.secrets["ACCESS_TOKEN"]
    statuses = [
        watched.call("POST", "/predict", token, json={"client_id": f"old-{n}", "token": token, **customer})
        for n in range(20)
    ]
    return statuses.count(500)


def until(happened: Any, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.1)
