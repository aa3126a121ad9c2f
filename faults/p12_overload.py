"""P12: what is more than can be answered is refused at once, and the rest goes on being answered."""

import asyncio
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

import orjson

from faults.finding import Finding
from faults.world import Servers
from helpers.ids import new_id
from tests.support.connections import Connections, Reply, posted
from tests.support.deployment import Deployment
from tests.support.open_load import OpenLoad
from tests.support.own_loop import ran

CUSTOMERS = 100
CALLERS = 8
LEAST_GOODPUT = 0.9
MOST_RECOVERY_SECONDS = 5.0
CALM_IN_A_ROW = 5
WARM_UP_SECONDS = 3.0
"""By then what is shipped behind the answers keeps step with them, and is paid for by them."""


class Batches(OpenLoad):
    """Posts batches of 100: what is too much for the service is then little work for whoever sends it."""

    def request(self, number: int) -> bytes:
        return posted("/v1/predict/batch", batch(self.client_id(number), self.customers))

    def acknowledge(self, number: int, answer: Any) -> None:
        self.acknowledged[self.client_id(number)] = ""

    def answered(self, since: float, until: float) -> int:
        """How many answers with 200 came in that time."""
        return sum(status == 200 and since <= due + took < until for due, took, status in self.answers)


def batch(name: str, customers: Sequence[Mapping[str, Any]]) -> bytes:
    instances = [
        {"key": place, "client_id": f"{name}-{place}", **customers[place % len(customers)]}
        for place in range(CUSTOMERS)
    ]
    return orjson.dumps({"instances": instances})


def try_it(
    servers: Servers, *, seconds: float = 15.0, times: float = 3.0, least_goodput: float = LEAST_GOODPUT
) -> Finding:
    refusals: list[Reply] = []

    def watch(_number: int, _due: float, reply: Reply) -> None:
        if reply.status != 200:
            refusals.append(reply)

    with _on_cores_of_its_own(servers) as deployment:
        customers = servers.customers()
        capacity = ran(_capacity(deployment.url, customers, seconds))
        with Batches(deployment.url, customers, times * capacity, watch) as load:
            time.sleep(WARM_UP_SECONDS)
            since = time.monotonic()
            time.sleep(seconds)
            load.stop()
        recovery = ran(_recovery(deployment.url, batch("after", customers), time.monotonic()))
    good = load.answered(since, since + seconds) / seconds
    polite = sum(reply.status == 503 and b"retry-after:" in reply.head.lower() for reply in refusals)
    return Finding(
        promise="P12",
        on="SQLite",
        fault=f"{times:g} times what it can answer, for {seconds:g} s",
        count=f"{load.attempted:,} batches of {CUSTOMERS}, {len(refusals):,} refused",
        figure=f"{good:.1f} answered a second, alone {capacity:.1f} ({good / capacity:.0%}); {polite:,} of the refusals"
        f" 503 with Retry-After; {load.statuses()[0]} without an answer; calm again after {recovery:.1f} s",
        holds=good >= least_goodput * capacity
        and 0 < polite == len(refusals)
        and load.statuses()[0] == 0
        and recovery <= MOST_RECOVERY_SECONDS,
    )


@contextmanager
def _on_cores_of_its_own(servers: Servers) -> Iterator[Deployment]:
    """The web has all cores but one, and whoever asks it has that one: three times the questions would otherwise take
    from the service what its clients, on machines of their own, do not."""
    cores = _use(None)
    own = {max(cores)}
    with servers.service("SQLite", WEB_CONCURRENCY=str(max(1, len(cores) - 1))) as deployment:
        _use(cores - own or own)
        try:
            deployment.start("web")
            _use(own)
            yield deployment
        finally:
            _use(cores)


def _use(cores: set[int] | None) -> set[int]:
    """From now on this thread and what it starts run there, if one can choose; gives those that they may run on."""
    if not hasattr(os, "sched_setaffinity"):
        return set(range(os.cpu_count() or 1))
    if cores is not None:
        os.sched_setaffinity(0, cores)
    return os.sched_getaffinity(0)


async def _capacity(url: str, customers: Sequence[Mapping[str, Any]], seconds: float) -> float:
    """Batches a second that some callers get answered, each of fresh clients, who ask again as soon as they were."""
    connections, counted, numbers, prefix = Connections(url), 0, count(), new_id()
    since = time.monotonic() + WARM_UP_SECONDS
    until = since + seconds

    async def call() -> None:
        nonlocal counted
        while time.monotonic() < until:
            request = posted("/v1/predict/batch", batch(f"{prefix}-{next(numbers)}", customers))
            reply = await connections.exchange(request)
            counted += reply.status == 200 and since <= time.monotonic() < until

    await asyncio.gather(*(call() for _ in range(CALLERS)))
    connections.close()
    return counted / seconds


async def _recovery(url: str, body: bytes, since: float) -> float:
    """Seconds until several requests in a row were answered with 200."""
    connections, in_a_row = Connections(url), 0
    while in_a_row < CALM_IN_A_ROW:
        reply = await connections.exchange(posted("/v1/predict/batch", body))
        in_a_row = in_a_row + 1 if reply.status == 200 else 0
        if reply.status != 200:
            await asyncio.sleep(0.05)
    connections.close()
    return time.monotonic() - since
