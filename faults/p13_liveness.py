"""P13: liveness depends on nothing, and readiness on nothing but whether it can predict and log."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import product

import requests

from faults.finding import Finding
from faults.world import MAIL_ON, Servers
from tests.support.deployment import Deployment
from tests.support.mailroom import proxied
from tests.support.peers import S3_ENVIRONMENT, s3_server, smtp_server
from tests.support.proxy import Proxy
from tests.support.services import new_database

SETTLE_SECONDS = 0.5
NAMES = ("DATABASE_URL", "REDIS_URL", "SMTP_URL", "S3_ENDPOINT_URL")
PARTS = ("database", "Redis", "mail server", "archive")


def try_it(servers: Servers, *, settle: float = SETTLE_SECONDS) -> Finding:
    """Each of the sixteen ways in which some of four services are stopped."""
    with _service(servers) as (deployment, ways):
        said = [
            _ask_without(stopped, ways, deployment, servers.customers()[0], settle)
            for stopped in product((False, True), repeat=len(PARTS))
        ]
        _stop_some([False] * len(PARTS), ways)
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


@contextmanager
def _service(servers: Servers) -> Iterator[tuple[Deployment, Sequence[Proxy]]]:
    """The web, and the ways to PARTS."""
    with ExitStack() as stack:
        smtp, s3 = stack.enter_context(smtp_server()), stack.enter_context(s3_server())
        database = stack.enter_context(new_database(servers.mariadb.url))
        behind = (database, servers.redis.url, smtp.url, s3.endpoint_url)
        ways, urls = zip(*(stack.enter_context(proxied(url)) for url in behind), strict=True)
        environ = {**dict(zip(NAMES, urls, strict=True)), "S3_BUCKET": s3.bucket, **S3_ENVIRONMENT}
        deployment = stack.enter_context(servers.service("MariaDB", **environ))
        deployment.configure(**MAIL_ON)
        deployment.start("web")
        yield deployment, ways


def _stop_some(stopped: Sequence[bool], ways: Sequence[Proxy]) -> None:
    for way, is_stopped in zip(ways, stopped, strict=True):
        way.become("refuse" if is_stopped else "pass")


def _ask_without(
    stopped: Sequence[bool],
    ways: Sequence[Proxy],
    deployment: Deployment,
    customer: Mapping[str, object],
    settle: float,
) -> tuple[int, int, int]:
    """The statuses of /health, /health/ready and /predict."""
    _stop_some(stopped, ways)
    time.sleep(settle)
    found = [requests.get(f"{deployment.url}{path}", timeout=10).status_code for path in ("/health", "/health/ready")]
    predicted = deployment.post("/predict", {"client_id": f"without {stopped}", **customer}).status_code
    return found[0], found[1], predicted
