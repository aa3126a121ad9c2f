"""The whole service on servers of its own, each of which may be frozen, killed and made to refuse."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.deployment import Deployment
from tests.support.mailroom import proxied
from tests.support.models import Trained, train_models
from tests.support.own_mariadb import OwnMariaDb, own_mariadb
from tests.support.own_redis import OwnRedis, own_redis
from tests.support.peers import S3_ENVIRONMENT, S3Peer, SmtpPeer, s3_server, smtp_server
from tests.support.proxy import Proxy
from tests.support.services import new_database
from tests.support.stack import deploying


@dataclass(frozen=True, slots=True)
class World:
    """`deployment` runs on the rest; S3 it reaches through `s3_way`. `customers` are request bodies without an id."""

    deployment: Deployment
    customers: list[dict[str, Any]]
    mariadb: OwnMariaDb
    redis: OwnRedis
    smtp: SmtpPeer
    s3: S3Peer
    s3_way: Proxy


@contextmanager
def whole_world() -> Iterator[World]:
    """Two web processes, worker and schedule on MariaDB, with an experiment, a holdout, a shadow model and mail."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hf")))
        trained = train_models(folder)
        (folder / "mariadb").mkdir()
        mariadb = stack.enter_context(own_mariadb(folder / "mariadb"))
        redis = stack.enter_context(own_redis(folder / "redis"))
        smtp, s3 = stack.enter_context(smtp_server()), stack.enter_context(s3_server())
        s3_way, s3_url = stack.enter_context(proxied(s3.endpoint_url))
        environ = {
            "DATABASE_URL": stack.enter_context(new_database(mariadb.url)),
            "REDIS_URL": redis.url,
            "SMTP_URL": smtp.url,
            "S3_BUCKET": s3.bucket,
            "S3_ENDPOINT_URL": s3_url,
            **S3_ENVIRONMENT,
        }
        deployment = stack.enter_context(deploying(folder, trained))(WEB_CONCURRENCY="2", **environ)
        _everything_on(deployment)
        for name in ("web", "worker", "schedule"):
            deployment.start(name)
        yield World(deployment, whole_customers(trained), mariadb, redis, smtp, s3, s3_way)


def whole_customers(trained: Trained) -> list[dict[str, Any]]:
    """Different customers, none of whom lacks a field."""
    return [row for row in trained.rows if None not in row.values()][:500]


def _everything_on(deployment: Deployment) -> None:
    deployment.configure(
        experiment={"name": "faults", "salt": "faults", "arms": {"champion": 0.5, "challenger": 0.5}},
        shadow=["heuristic"],
        holdout_percentage="10",
        proba_cutoff="0.6",
        email_policy="high_risk",
        email_recipients=["retention@example.com"],
    )
