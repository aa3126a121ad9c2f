"""P5: a long outage of the database loses nothing, and a full outbox says so."""

import random
import time

from faults.finding import Finding
from faults.p04_hung_database import hung
from faults.tally import drained
from faults.world import Database, Servers
from tests.support.connections import Reply
from tests.support.open_load import OpenLoad

DRAIN_SECONDS = 90.0
SMALL_SPOOL = 1_000_000


def try_it(
    servers: Servers, database: Database, *, seconds: float = 30.0, per_second: float = 50.0, kills: int = 5
) -> Finding:
    """Web processes are killed meanwhile: what they leave must be adopted."""
    with servers.service(database, "web") as deployment:
        with OpenLoad(deployment.url, servers.customers(), per_second) as load:
            load.wait_for_answers(int(per_second))
            with hung(servers, database, deployment):
                for _ in range(kills):
                    time.sleep(seconds / (kills + 1))
                    random.choice(deployment.web_workers()).kill()
                time.sleep(seconds / (kills + 1))
            load.wait_for_answers(int(per_second))
        found, drain = drained(deployment.engine, load, DRAIN_SECONDS)
    return Finding(
        promise="P5",
        on=database,
        fault=f"database away for {seconds:g} s, {kills} web processes killed meanwhile",
        count=f"{load.attempted:,} requests",
        figure=f"{found.told()}; drained in {drain:.0f} s",
        holds=found.clean,
    )


def fill_spool(servers: Servers, database: Database, *, per_second: float = 100.0, longest: float = 60.0) -> Finding:
    """The outbox may hold a million bytes: the database stays away until some time after it is full."""
    refusals: list[Reply] = []

    def watch(_number: int, _due: float, reply: Reply) -> None:
        if reply.status != 200:
            refusals.append(reply)

    with servers.service(database, "web", SPOOL_MAX_BYTES=str(SMALL_SPOOL)) as deployment:
        with OpenLoad(deployment.url, servers.customers(), per_second, watch) as load:
            load.wait_for_answers(int(per_second))
            with hung(servers, database, deployment):
                until = time.monotonic() + longest
                while len(refusals) < per_second and time.monotonic() < until:
                    time.sleep(0.2)
            load.wait_for_answers(int(per_second))
        found, _ = drained(deployment.engine, load, DRAIN_SECONDS)
        after = deployment.post("/predict", {"client_id": "after", **servers.customers()[0]}).status_code
    other = set(load.statuses()) - {200, 503}
    polite = sum(b"retry-after:" in reply.head.lower() for reply in refusals if reply.status == 503)
    return Finding(
        promise="P5",
        on=database,
        fault=f"outbox of {SMALL_SPOOL:,} bytes filled while the database was away",
        count=f"{load.attempted:,} requests, {len(refusals):,} × 503",
        figure=f"{found.told()}; {polite:,} of the refusals with Retry-After; {after} once there was room",
        holds=found.clean and not other and 0 < len(refusals) == polite and after == 200,
    )
