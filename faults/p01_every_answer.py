"""P1: every 200 has exactly one row in the ledger."""

import time

from faults.finding import Finding
from faults.tally import drained
from faults.world import Database, Servers
from tests.support.open_load import OpenLoad

DRAIN_SECONDS = 60.0


def try_it(servers: Servers, database: Database, *, seconds: float = 15.0, per_second: float = 200.0) -> Finding:
    with servers.service(database, "web") as deployment:
        with OpenLoad(deployment.url, servers.customers(), per_second) as load:
            time.sleep(seconds)
        found, _ = drained(deployment.engine, load, DRAIN_SECONDS)
    answered = load.statuses()
    return Finding(
        promise="P1",
        on=database,
        fault=f"none: {per_second:g} requests a second for {seconds:g} s",
        count=f"{load.attempted:,} requests, {answered[200]:,} × 200",
        figure=found.told(),
        holds=found.clean and found.rows == load.attempted == answered[200],
    )
