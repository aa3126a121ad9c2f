"""P6: a Redis that hangs costs at most one short timeout."""

import time

from faults.finding import Finding
from faults.world import Servers
from tests.support.open_load import OpenLoad

MOST_OVER_IDLE_MS = 5.0
REST_SECONDS = 6.0
"""By then Redis is asked again after it was away."""
BREAKER_SECONDS = 2.0
"""By then each process has met three timeouts of 0.1 s and stopped to ask."""


def try_it(
    servers: Servers,
    *,
    idle: float = 8.0,
    seconds: float = 6.0,
    times: int = 2,
    per_second: float = 60.0,
    most_ms: float = 250.0,
    most_over_idle_ms: float = MOST_OVER_IDLE_MS,
    most_over_usual_ms: float = MOST_OVER_IDLE_MS,
) -> Finding:
    """`most_over_usual_ms` bounds the median, which a busy machine moves less than the slowest."""
    with (
        servers.service("SQLite", "web") as deployment,
        OpenLoad(deployment.url, servers.customers(), per_second) as load,
    ):
        load.wait_for_answers(int(2 * per_second))
        calm = time.monotonic()
        time.sleep(idle)
        frozen = [_freeze(servers, seconds, rest=REST_SECONDS if number else 0.0) for number in range(times)]
    idle_ms, usual_ms = (load.quantile(share, calm, calm + idle) for share in (0.95, 0.5))
    worst_ms = max(load.quantile(0.99, *span) for span in frozen)
    opened_ms, median_ms = (
        max(load.quantile(share, since + BREAKER_SECONDS, until) for since, until in frozen) for share in (0.95, 0.5)
    )
    other = load.attempted - load.statuses()[200]
    return Finding(
        promise="P6",
        on="Redis",
        fault=f"frozen for {seconds:g} s, {times} times",
        count=f"{load.attempted:,} requests at {per_second:g} a second",
        figure=f"{other} not 200; p99 {worst_ms:.0f} ms; once it is no longer asked p95 {opened_ms:.1f} ms,"
        f" idle {idle_ms:.1f} ms; median {median_ms:.1f} ms, idle {usual_ms:.1f} ms",
        holds=other == 0
        and worst_ms <= most_ms
        and opened_ms <= idle_ms + most_over_idle_ms
        and median_ms <= usual_ms + most_over_usual_ms,
    )


def _freeze(servers: Servers, seconds: float, rest: float) -> tuple[float, float]:
    """When it was frozen, after a rest, and when no longer."""
    time.sleep(rest)
    since = time.monotonic()
    servers.redis.server.freeze()
    time.sleep(seconds)
    servers.redis.server.thaw()
    return since, time.monotonic()
