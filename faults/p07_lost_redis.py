"""P7: a Redis that refuses, drops its connections, starts anew or forgets everything changes no score."""

import time
from collections import defaultdict
from typing import Any

import orjson
from redis import Redis

from faults.finding import Finding
from faults.world import Servers
from tests.support.connections import Reply
from tests.support.mailroom import proxied
from tests.support.open_load import OpenLoad
from tests.support.proxy import Proxy

AWAY_SECONDS = 0.5
CLIENTS = 20
CACHED_SECONDS = "1"
"""So short that the answers kept in Redis are asked for again and again."""


class SameClients(OpenLoad):
    """Asks for the same few again and again."""

    def client_id(self, number: int) -> str:
        return super().client_id(number % CLIENTS)


class Scores:
    """What each client was told, and by which arm."""

    def __init__(self) -> None:
        self._told: dict[int, set[tuple[str, Any]]] = defaultdict(set)

    def watch(self, number: int, _due: float, reply: Reply) -> None:
        if reply.status == 200:
            answer = orjson.loads(reply.body)
            self._told[number % CLIENTS].add((answer["arm"], answer["prediction"]))

    @property
    def arms(self) -> set[str]:
        return {arm for told in self._told.values() for arm, _ in told}

    @property
    def changed(self) -> int:
        return sum(len(told) - 1 for told in self._told.values())


def try_it(servers: Servers, *, times: int = 10, per_second: float = 60.0) -> Finding:
    scores = Scores()
    with (
        proxied(servers.redis.url) as (way, url),
        servers.service("SQLite", REDIS_URL=url, CACHE_REDIS_URLS=url) as deployment,
    ):
        deployment.configure(cache_ttl_seconds=CACHED_SECONDS)
        deployment.start("web")
        with SameClients(deployment.url, servers.customers()[:CLIENTS], per_second, scores.watch) as load:
            load.wait_for_answers(int(2 * per_second))
            for _ in range(times):
                _refuse(way)
                _reset(way)
                _restart(servers)
                _forget(servers)
            load.wait_for_answers(int(per_second))
    other = load.attempted - load.statuses()[200]
    return Finding(
        promise="P7",
        on="Redis",
        fault=f"refused, reset, killed and restarted, emptied: {times} times each",
        count=f"{load.attempted:,} requests for {CLIENTS} clients in {len(scores.arms)} arms",
        figure=f"{other} not 200; {scores.changed} scores changed",
        holds=other == 0 and scores.changed == 0 and len(scores.arms) > 1,
    )


def _refuse(way: Proxy) -> None:
    way.become("refuse")
    time.sleep(AWAY_SECONDS)
    way.become("pass")
    time.sleep(AWAY_SECONDS)


def _reset(way: Proxy) -> None:
    """Every connection is dropped; new ones are taken at once."""
    way.become("refuse")
    way.become("pass")
    time.sleep(AWAY_SECONDS)


def _restart(servers: Servers) -> None:
    servers.redis.server.kill()
    servers.redis.server.start()
    time.sleep(AWAY_SECONDS)


def _forget(servers: Servers) -> None:
    with Redis.from_url(servers.redis.url) as redis:
        redis.flushall()
    time.sleep(AWAY_SECONDS / 2)
