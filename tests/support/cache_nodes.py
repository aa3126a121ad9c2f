"""Caches on Redis servers that a test may freeze and spoil."""

import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psutil
from redis import Redis

from data.cache_entry import Entry, EntryFormat, Format
from data.redis_cache import RedisCache
from data.redis_client import build_redis
from helpers.clock import SystemClock
from tests.support.proxy import Proxy


class Counts:
    """What a cache told: hits, misses and failures."""

    def __init__(self) -> None:
        self.hits = self.misses = 0
        self.failures: list[Exception] = []

    def __call__(self, hits: int, misses: int) -> None:
        self.hits += hits
        self.misses += misses


def redis_cache(urls: Sequence[str], form: Format = "json", counts: Counts | None = None) -> RedisCache:
    told = counts or Counts()
    return RedisCache(urls, EntryFormat(form), "t:", SystemClock(), count=told, on_failure=told.failures.append)


def entries(keys: Sequence[str], seconds: float = 60.0) -> dict[str, Entry]:
    expires_at = time.time() + seconds
    return {key: Entry({"probability": index / 1_000}, expires_at) for index, key in enumerate(keys)}


@contextmanager
def far(client: Redis) -> Iterator[tuple[Proxy, str]]:
    """A way to the client's database that can be cut, and its address."""
    where = client.get_connection_kwargs()
    with Proxy(where["host"], where["port"]) as proxy:
        yield proxy, f"redis://127.0.0.1:{proxy.port}/{where['db']}"


@contextmanager
def frozen(url: str) -> Iterator[None]:
    """The server at `url`, one of the test's own, takes connections and answers nothing."""
    with build_redis(url, timeout=5) as client:
        process = psutil.Process(client.info("server")["process_id"])
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)
