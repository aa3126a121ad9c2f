"""P17: periodic work of the fleet is done once a period, however often who does it is killed."""

import time
from itertools import pairwise

from redis import Redis

from faults.finding import Finding
from faults.world import Servers
from tests.support.keepers import running, runs, start

PROCESSES = 4
PERIOD = 1.5
PATIENCE_SECONDS = 60.0
CLOCKS = 0.05
"""Of a period: the runs are timed by processes that are not equally quick to write down when."""


def try_it(servers: Servers, *, kills: int = 20) -> Finding:
    with Redis.from_url(servers.redis.url) as redis:
        redis.flushall()
        keepers = {str(number): start(servers.redis.url, str(number), PERIOD) for number in range(PROCESSES)}
        with running(*keepers.values()):
            for killed in range(kills):
                _wait_for(redis, runs_more_than=killed)
                holder = runs(redis)[-1][1]
                with running(keepers[holder]):
                    pass
                keepers[holder] = start(servers.redis.url, holder, PERIOD)
            _wait_for(redis, runs_more_than=len(runs(redis)) + 2)
            done = runs(redis)
        with running(*keepers.values()):
            pass
    gaps = [later - earlier for (earlier, _), (later, _) in pairwise(done)]
    twice = sum(gap < PERIOD * (1 - CLOCKS) for gap in gaps)
    return Finding(
        promise="P17",
        on="Redis",
        fault=f"of {PROCESSES} processes the one that did it last killed, {kills} times",
        count=f"{len(done)} runs by {len({name for _, name in done})} processes, due every {PERIOD:g} s",
        figure=f"{twice} periods with more than one; longest gap {max(gaps):.1f} s, shortest {min(gaps):.2f} s",
        holds=twice == 0,
    )


def _wait_for(redis: "Redis", runs_more_than: int) -> None:
    """Raises TimeoutError."""
    until = time.monotonic() + PATIENCE_SECONDS
    while len(runs(redis)) <= runs_more_than:
        if time.monotonic() > until:
            raise TimeoutError("nobody did the periodic work")
        time.sleep(0.02)
