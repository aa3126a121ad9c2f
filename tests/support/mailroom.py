"""A real mail worker between a real database, a real Redis and a real SMTP server."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import redis
from sqlalchemy import Engine

from data import notifications
from data.notifications import Notification
from data.queue import Queue
from helpers.clock import SystemClock
from helpers.ids import new_id
from services.ledger import LedgerSink
from services.notifications import sweep
from tests.support.deployment import Deployment
from tests.support.letters import spool_record
from tests.support.peers import SmtpPeer
from tests.support.proxy import Proxy


@dataclass
class MailRoom:
    deployment: Deployment
    engine: Engine
    queue: Queue
    redis: redis.Redis
    peer: SmtpPeer

    def post(self, number: int = 1, *, wake: bool = True, to: str = "boss@example.com") -> list[str]:
        """Writes answers that make mail due, as the outbox does; `wake`: with a queue that answers."""
        queue = self.queue if wake else Queue("redis://127.0.0.1:1/0")
        ids = [new_id() for _ in range(number)]
        records = [spool_record([to], prediction_id=one, answered_at=SystemClock().now()) for one in ids]
        LedgerSink(self.engine, queue).deliver(records)
        return ids

    def row(self, message_id: str) -> Notification:
        with self.engine.connect() as connection:
            found = notifications.find(connection, message_id)
        assert found is not None
        return found

    def settled(self, ids: list[str]) -> bool:
        rows = [self.row(one) for one in ids]
        return all(row.sent_at or row.failed_at for row in rows)

    def wait_for(self, condition: Callable[[], bool], seconds: float) -> float:
        """The seconds it took."""
        started = time.monotonic()
        while not condition():
            assert time.monotonic() - started < seconds, self.deployment.log("worker")[-3000:]
            time.sleep(0.05)
        return time.monotonic() - started

    def sweep(self) -> int:
        return sweep(self.engine, self.queue, SystemClock())

    def message_ids(self, ids: list[str]) -> list[str]:
        return [f"<{one}@localhost>" for one in ids]


def mail_deployment(var_dir: Path, database_url: str, redis_url: str, smtp_url: str) -> Deployment:
    """Without a `database_url`, on SQLite in `var_dir`."""
    given = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "SMTP_URL": smtp_url}
    return Deployment(var_dir, {name: value for name, value in given.items() if value})


@contextmanager
def proxied(url: str, default_port: int = 6379) -> Iterator[tuple[Proxy, str]]:
    """A proxy before the server at `url`, and the address that leads through it."""
    parts = urlsplit(url)
    with Proxy(parts.hostname or "127.0.0.1", parts.port or default_port) as proxy:
        user, at, _ = parts.netloc.rpartition("@")
        yield proxy, parts._replace(netloc=f"{user}{at}127.0.0.1:{proxy.port}").geturl()
