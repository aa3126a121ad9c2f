"""P12: what is more than can be answered is refused at once, and the rest goes on being answered."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from faults.finding import Finding
from faults.world import Servers
from tests.support.connections import Connections, Reply, posted
from tests.support.open_load import OpenLoad
from tests.support.own_loop import ran

CUSTOMERS = 100
CALLERS = 8
LEAST_GOODPUT = 0.9
MOST_RECOVERY_SECONDS = 5.0
CALM_IN_A_ROW = 5


class Batches(OpenLoad):
    """Posts batches of 100: what is too much for the service is then little work for whoever sends it."""

    def request(self, number: int) -> bytes:
        return posted("/v1/predict/batch", batch(self.client_id(number), self.customers))

    def acknowledge(self, number: int, answer: Any) -> None:
        self.acknowledged[self.client_id(number)] = ""


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

    with servers.service("SQLite", "web") as deployment:
        customers = servers.customers()
        capacity = ran(_capacity(deployment.url, lambda number: batch(f"c{number}", customers), seconds / 4))
        with Batches(deployment.url, customers, times * capacity, watch) as load:
            time.sleep(seconds)
            load.stop()
        ended = time.monotonic()
        recovery = ran(_recovery(deployment.url, batch("after", customers), ended))
    good = load.statuses()[200] / seconds
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


async def _capacity(url: str, body: Callable[[int], bytes], seconds: float) -> float:
    """Batches a second that some callers get answered who ask again as soon as they were."""
    connections, counted, until = Connections(url), 0, time.monotonic() + seconds

    async def call(caller: int) -> None:
        nonlocal counted
        while time.monotonic() < until:
            reply = await connections.exchange(posted("/v1/predict/batch", body(caller)))
            counted += reply.status == 200

    await asyncio.gather(*(call(caller) for caller in range(CALLERS)))
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
