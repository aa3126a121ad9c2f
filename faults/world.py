"""The service on servers of its own, each of which may be frozen, killed and made to refuse."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from redis import Redis

from helpers.ids import new_id
from tests.support.deployment import Deployment
from tests.support.mailroom import proxied
from tests.support.models import Trained, train_models
from tests.support.own_mariadb import OwnMariaDb, own_mariadb
from tests.support.own_redis import OwnRedis, own_redis
from tests.support.peers import S3_ENVIRONMENT, S3Peer, SmtpPeer, s3_server, smtp_server
from tests.support.proxy import Proxy
from tests.support.services import new_database
from tests.support.stack import deploying

Database = Literal["SQLite", "MariaDB"]
EVERYTHING_ON = {
    "experiment": {"name": "faults", "salt": "faults", "arms": {"champion": 0.5, "challenger": 0.5}},
    "shadow": ["heuristic"],
    "holdout_percentage": "10",
    "proba_cutoff": "0.6",
}
MAIL_ON = {"email_policy": "high_risk", "email_recipients": ["retention@example.com"]}
BUSY = {
    **MAIL_ON,
    "proba_cutoff": "0.4",
    "guardrails": {"latency": None, "high_risk": None, "score_shift": None, "overlap": None},
}
"""Mail for one answer in ten. The models differ so much that guardrails would pause the challenger in the first minute:
then there would be neither an experiment nor, since the champion hardly finds anybody at high risk, mail."""


@dataclass(frozen=True, slots=True)
class Servers:
    """What deployments run on, one after another."""

    folder: Path
    trained: Trained
    mariadb: OwnMariaDb
    redis: OwnRedis

    @contextmanager
    def service(self, database: Database, *start: str, **environ: str) -> Iterator[Deployment]:
        """A deployment with an empty database and Redis, an experiment, a holdout and a shadow model, its processes
        `start` running. `environ` wins."""
        with ExitStack() as stack:
            with Redis.from_url(self.redis.url) as redis:
                redis.flushall()
            own = {"REDIS_URL": self.redis.url, "WEB_CONCURRENCY": "2"}
            if database == "MariaDB" and "DATABASE_URL" not in environ:
                own["DATABASE_URL"] = stack.enter_context(new_database(self.mariadb.url))
            make = stack.enter_context(deploying(self.folder, self.trained))
            deployment = make(new_id()[-12:], **{**own, **environ})
            deployment.configure(**EVERYTHING_ON)
            for name in start:
                deployment.start(name)
            yield deployment

    def customers(self) -> list[dict[str, Any]]:
        """Request bodies without an id, of different customers, none of whom lacks a field."""
        return [row for row in self.trained.rows if None not in row.values()][:500]


@contextmanager
def servers(folder: Path, trained: Trained) -> Iterator[Servers]:
    """A MariaDB and a Redis in `folder`."""
    (folder / "mariadb").mkdir()
    with own_mariadb(folder / "mariadb") as mariadb, own_redis(folder / "redis") as redis:
        yield Servers(folder, trained, mariadb, redis)


@contextmanager
def fresh_servers() -> Iterator[Servers]:
    """Servers with models trained for them, in a folder that is removed at the end. Raises SystemExit where MariaDB is
    not installed."""
    with several_servers(1) as (own,):
        yield own


@contextmanager
def several_servers(number: int) -> Iterator[list[Servers]]:
    """So many of them, which know nothing of each other but share the models."""
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hf")))
        yield _started(stack, root, number) if number else []


def _started(stack: ExitStack, root: Path, number: int) -> list[Servers]:
    trained = train_models(root)
    folders = [root / str(place) for place in range(number)]
    for folder in folders:
        folder.mkdir()
    try:
        return [stack.enter_context(servers(folder, trained)) for folder in folders]
    except (pytest.skip.Exception, pytest.fail.Exception) as error:
        raise SystemExit(f"Error: {error.msg}") from None


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
def whole_world(own: Servers) -> Iterator[World]:
    """Web, worker and schedule on MariaDB, with mail, an archive, and an experiment that goes on."""
    with ExitStack() as stack:
        smtp, s3 = stack.enter_context(smtp_server()), stack.enter_context(s3_server())
        s3_way, s3_url = stack.enter_context(proxied(s3.endpoint_url))
        archive = {"S3_BUCKET": s3.bucket, "S3_ENDPOINT_URL": s3_url, **S3_ENVIRONMENT}
        deployment = stack.enter_context(own.service("MariaDB", SMTP_URL=smtp.url, **archive))
        deployment.configure(**BUSY)
        for name in ("web", "worker", "schedule"):
            deployment.start(name)
        yield World(deployment, own.customers(), own.mariadb, own.redis, smtp, s3, s3_way)
