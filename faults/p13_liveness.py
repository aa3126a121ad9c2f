"""P13: liveness depends on nothing, and readiness on nothing but whether it can predict and log."""

import time
from contextlib import ExitStack
from itertools import product

import requests

from faults.finding import Finding
from faults.world import MAIL_ON, Servers
from tests.support.deployment import Deployment
from tests.support.mailroom import proxied
from tests.support.peers import S3_ENVIRONMENT, s3_server, smtp_server
from tests.support.services import new_database

SETTLE_SECONDS = 0.5
PARTS = ("database", "Redis", "mail server", "archive")


def try_it(servers: Servers, *, settle: float = SETTLE_SECONDS) -> Finding:
    """Each of the sixteen ways in which some of four services are stopped."""
    with ExitStack() as stack:
        smtp, s3 = stack.enter_context(smtp_server()), stack.enter_context(s3_server())
        database = stack.enter_context(new_database(servers.mariadb.url))
        behind = (database, servers.redis.url, smtp.url, s3.endpoint_url)
        ways, urls = zip(*(stack.enter_context(proxied(url)) for url in behind), strict=True)
        names = ("DATABASE_URL", "REDIS_URL", "SMTP_URL", "S3_ENDPOINT_URL")
        environ = {**dict(zip(names, urls, strict=True)), "S3_BUCKET": s3.bucket, **S3_ENVIRONMENT}
        deployment = stack.enter_context(servers.service("MariaDB", **environ))
        deployment.configure(**MAIL_ON)
        deployment.start("web")
        said: list[tuple[int, int, int]] = []
        for stopped in product((False, True), repeat=len(PARTS)):
            for way, is_stopped in zip(ways, stopped, strict=True):
                way.become("refuse" if is_stopped else "pass")
            time.sleep(settle)
            said.append(_ask(deployment, servers.customers()[0], len(said)))
        for way in ways:
            way.become("pass")
        deployment.wait_for("select count(*) from model_logs", sum(predict == 200 for *_, predict in said), 60)
    health, ready, predict = (list(some) for some in zip(*said, strict=True))
    return Finding(
        promise="P13",
        on="MariaDB",
        fault=f"{', '.join(PARTS)} stopped in every combination",
        count=f"{len(said)} combinations",
        figure=f"/health {health.count(200)} × 200; /health/ready {ready.count(200)} × 200, /predict"
        f" {predict.count(200)} × 200, each of these in the ledger afterwards",
        holds=set(health) == {200} and ready == predict and len(said) == 2 ** len(PARTS),
    )


def _ask(deployment: Deployment, customer: dict[str, object], number: int) -> tuple[int, int, int]:
    """The statuses of /health, /health/ready and /predict."""
    found = [requests.get(f"{deployment.url}{path}", timeout=10).status_code for path in ("/health", "/health/ready")]
    predicted = deployment.post("/predict", {"client_id": f"c{number}", **customer}).status_code
    return found[0], found[1], predicted
