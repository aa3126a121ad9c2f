"""P11: restarts drop nothing, behind a proxy that goes by readiness."""

import threading
import time
from typing import Any, Self

import requests

from faults.finding import Finding
from faults.tally import Tally, drained
from faults.world import Servers
from tests.support.deployment import Deployment
from tests.support.open_load import OpenLoad

LOOK_SECONDS = 0.2
DRAIN_SECONDS = 2
SPOOL_SECONDS = 60.0


class Balanced(OpenLoad):
    """Sends each request to one of those that were ready when last looked at, in turn."""

    def __init__(self, deployments: list[Deployment], customers: list[dict[str, Any]], per_second: float) -> None:
        super().__init__(deployments[0].url, customers, per_second)
        self._urls = [each.url for each in deployments]
        self._ready = list(self._urls)
        self._over = threading.Event()
        self._looking = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._looking.start()
        super().__enter__()
        return self

    def stop(self) -> None:
        super().stop()
        self._over.set()
        self._looking.join()

    def where(self, number: int) -> str:
        ready = self._ready
        return ready[number % len(ready)]

    def _look(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self._ready = [url for url in self._urls if _is_ready(url)] or self._urls


def _is_ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/health/ready", timeout=2).ok
    except requests.RequestException:
        return False


def try_it(servers: Servers, *, restarts: int = 6, per_second: float = 100.0) -> Finding:
    """Two deployments on one database, each stopped in order by SIGTERM and started again in turn."""
    with (
        servers.service("MariaDB", "web", DRAIN_SECONDS=str(DRAIN_SECONDS)) as first,
        servers.service("MariaDB", "web", DRAIN_SECONDS=str(DRAIN_SECONDS), DATABASE_URL=first.database_url) as second,
    ):
        with Balanced([first, second], servers.customers(), per_second) as load:
            load.wait_for_answers(int(per_second))
            for number in range(restarts):
                stopped = (first, second)[number % 2]
                stopped.stop("web")
                stopped.start("web")
                time.sleep(3 * LOOK_SECONDS)
            load.wait_for_answers(int(per_second))
        found: Tally = drained(first.engine, load, SPOOL_SECONDS)[0]
    failed = load.attempted - load.statuses()[200]
    return Finding(
        promise="P11",
        on="MariaDB",
        fault=f"{restarts} SIGTERMs at {per_second:g} requests a second, behind a proxy that looks who is ready"
        f" every {LOOK_SECONDS:g} s",
        count=f"{load.attempted:,} requests",
        figure=f"{failed} failed; {found.told()}",
        holds=failed == 0 and found.clean,
    )
