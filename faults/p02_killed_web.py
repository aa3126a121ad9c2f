"""P2: a web process that is killed takes no answer with it."""

import random

from faults.finding import Finding
from faults.tally import drained
from faults.world import Database, Servers
from tests.support.open_load import OpenLoad

DRAIN_SECONDS = 60.0
MOST_ERRORS = 0.01
SECONDS_APART = 1.6
"""Time for the one that comes in its place to take requests: otherwise nobody is left to be killed."""


def try_it(
    servers: Servers,
    database: Database,
    *,
    kills: int = 20,
    per_second: float = 150.0,
    most_errors: float = MOST_ERRORS,
) -> Finding:
    with servers.service(database, "web") as deployment:
        with OpenLoad(deployment.url, servers.customers(), per_second) as load:
            for _ in range(kills):
                load.wait_for_answers(int(SECONDS_APART * per_second))
                random.choice(deployment.web_workers()).kill()
            load.wait_for_answers(int(SECONDS_APART * per_second))
        deployment.wait_until_ready()
        found, _ = drained(deployment.engine, load, DRAIN_SECONDS)
    failed = load.attempted - load.statuses()[200]
    share = failed / load.attempted
    return Finding(
        promise="P2",
        on=database,
        fault=f"a random web process killed {kills} times at {per_second:g} requests a second",
        count=f"{load.attempted:,} requests",
        figure=f"{found.told()}; {failed} requests failed ({share:.2%})",
        holds=found.clean and share <= most_errors,
    )
