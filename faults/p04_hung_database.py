"""P4: a database that hangs is not felt by whoever asks for a prediction."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import requests

from faults.finding import Finding
from faults.tally import drained
from faults.world import Database, Servers
from tests.support.deployment import Deployment
from tests.support.open_load import OpenLoad

DRAIN_SECONDS = 60.0


@contextmanager
def hung(servers: Servers, database: Database, deployment: Deployment) -> Iterator[None]:
    """MariaDB is frozen. SQLite has no server: another holds its lock, and everybody who writes waits for it."""
    if database == "MariaDB":
        servers.mariadb.server.freeze()
        try:
            yield
        finally:
            servers.mariadb.server.thaw()
        return
    with deployment.engine.begin():
        yield


def healthy(url: str, until: Callable[[], bool]) -> list[int]:
    """What /health says, five times a second; 0 where it says nothing."""
    found = []
    while not until():
        try:
            found.append(requests.get(f"{url}/health", timeout=10).status_code)
        except requests.RequestException:
            found.append(0)
        time.sleep(0.2)
    return found


def try_it(
    servers: Servers,
    database: Database,
    *,
    idle: float = 8.0,
    seconds: float = 30.0,
    per_second: float = 60.0,
    most_times_idle: float = 2.0,
    most_times_usual: float = 2.0,
) -> Finding:
    """`most_times_usual` bounds the median, which a busy machine moves less than the slowest."""
    with servers.service(database, "web") as deployment:
        with OpenLoad(deployment.url, servers.customers(), per_second) as load:
            load.wait_for_answers(int(2 * per_second))
            calm = time.monotonic()
            time.sleep(idle)
            began = time.monotonic()
            with hung(servers, database, deployment):
                health = healthy(deployment.url, lambda: time.monotonic() - began > seconds)
                ended = time.monotonic()
            load.wait_for_answers(int(per_second))
        found, drain = drained(deployment.engine, load, DRAIN_SECONDS)
    idle_ms, hung_ms = load.quantile(0.99, calm, began), load.quantile(0.99, began, ended)
    usual_ms, median_ms = load.quantile(0.5, calm, began), load.quantile(0.5, began, ended)
    answered = load.statuses()
    other = answered.total() - answered[200]
    return Finding(
        promise="P4",
        on=database,
        fault=f"frozen for {seconds:g} s" if database == "MariaDB" else f"its write lock held for {seconds:g} s",
        count=f"{load.attempted:,} requests at {per_second:g} a second, {len(health)} × /health",
        figure=f"{other} not 200; p99 {hung_ms:.1f} ms, idle {idle_ms:.1f} ms; median {median_ms:.1f} ms,"
        f" idle {usual_ms:.1f} ms; /health {health.count(200)}/{len(health)}; lost {found.lost},"
        f" doubled {found.doubled}; drained in {drain:.0f} s",
        holds=found.clean
        and other == 0
        and set(health) == {200}
        and hung_ms <= most_times_idle * idle_ms
        and median_ms <= most_times_usual * usual_ms,
    )
