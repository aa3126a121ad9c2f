"""What a benchmark runs on: SQLite and an embedded Redis of its own, or empty ones on servers made for it.

Never on DATABASE_URL or REDIS_URL: a benchmark writes its own configuration.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from redis import RedisError
from sqlalchemy.exc import OperationalError

from data.redis_client import build_redis
from jobs.embedded_redis import embedded_redis
from tests.support.services import new_database


@contextmanager
def chosen_services(var_dir: Path, likely_server: str | None = None) -> Iterator[dict[str, str]]:
    """The settings that lead to them. BENCH_DATABASE_URL: a MariaDB or MySQL server, on which a database is made and
    dropped; without it `likely_server`, if that answers. BENCH_REDIS_URL: an empty Redis database, emptied afterwards.
    Raises SystemExit when one is not usable."""
    with ExitStack() as stack:
        yield {**_database(stack, likely_server), **_redis(stack, var_dir)}


def _database(stack: ExitStack, likely_server: str | None) -> dict[str, str]:
    server = os.environ.get("BENCH_DATABASE_URL")
    if not server:
        with suppress(OperationalError):
            return {"DATABASE_URL": stack.enter_context(new_database(likely_server))} if likely_server else {}
        return {}
    if not server.startswith(("mysql", "mariadb")):
        raise SystemExit("Error: BENCH_DATABASE_URL must be a server: mysql+pymysql://user:password@host:3306")
    try:
        return {"DATABASE_URL": stack.enter_context(new_database(server))}
    except OperationalError as error:
        raise SystemExit(f"Error: no database can be made at BENCH_DATABASE_URL: {error.orig}") from None


def _redis(stack: ExitStack, var_dir: Path) -> dict[str, str]:
    url = os.environ.get("BENCH_REDIS_URL")
    if not url:
        stack.enter_context(embedded_redis(var_dir / "redis" / "redis.sock"))
        return {}
    client = stack.enter_context(build_redis(url, timeout=5))
    try:
        held = client.dbsize()
    except RedisError as error:
        raise SystemExit(f"Error: BENCH_REDIS_URL does not answer: {error}") from None
    if held:
        raise SystemExit(f"Error: BENCH_REDIS_URL holds {held} keys; name an empty database, as redis://host:6379/9")
    stack.callback(client.flushdb)
    return {"REDIS_URL": url}
