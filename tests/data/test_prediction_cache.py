"""One process's memory before shared Redis nodes: found by all, lapsing, and never in the way of an answer."""

import os
import random
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest
from redis import Redis

from data.cache_entry import Entry, EntryFormat, Format
from data.memory_cache import MOST_ENTRIES, MemoryCache
from data.redis_cache import TIMEOUT_SECONDS, RedisCache
from data.tiered_cache import TieredCache
from helpers.clock import SystemClock
from jobs.embedded_redis import embedded_redis
from tests.support.cache_nodes import Counts, entries, far, frozen, redis_cache
from tests.support.clock import StandingClock
from tests.support.proxy import Proxy

KEYS = [f"{number:064x}" for number in range(300)]


@pytest.fixture(scope="module")
def socket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("r") / "redis.sock"
    with embedded_redis(path):
        yield path


@pytest.fixture
def nodes(socket: Path) -> list[str]:
    """Three empty nodes: databases of a server that is the tests' own."""
    with Redis(unix_socket_path=str(socket)) as client:
        client.flushall()
    return [f"unix://{socket}?db={number}" for number in range(3)]


@pytest.fixture
def far_node(redis_client: Redis) -> Iterator[tuple[Proxy, str]]:
    with far(redis_client) as way:
        yield way


def sizes(nodes: list[str]) -> list[int]:
    return [len(Redis.from_url(node).keys("t:*")) for node in nodes]


@pytest.mark.parametrize("form", get_args(Format))
def test_every_process_finds_what_another_kept(nodes: list[str], form: Format) -> None:
    kept = entries(KEYS)
    redis_cache(nodes, form).set_many(kept)
    counts = Counts()
    assert redis_cache(list(reversed(nodes)), form, counts).get_many([*KEYS, "f" * 64]) == kept
    assert (counts.hits, counts.misses, counts.failures) == (300, 1, [])


def test_keys_are_spread_and_a_new_node_takes_only_its_share(nodes: list[str]) -> None:
    redis_cache(nodes[:2]).set_many(entries(KEYS))
    assert all(90 < size < 210 for size in sizes(nodes[:2]))
    found = redis_cache(nodes).get_many(KEYS)
    assert 300 - 160 < len(found) < 300 - 50


def test_entries_lapse_in_redis_by_themselves(nodes: list[str]) -> None:
    redis_cache(nodes[:1]).set_many(entries(KEYS[:2], seconds=20))
    client = Redis.from_url(nodes[0])
    assert all(19_000 < client.pttl(f"t:{key}") <= 20_000 for key in KEYS[:2])
    redis_cache(nodes[:1]).set_many(entries(KEYS[2:3], seconds=-5))
    time.sleep(0.01)
    assert redis_cache(nodes[:1]).get_many(KEYS[:3]).keys() == set(KEYS[:2])


def test_a_batch_is_one_round_trip_for_reading_and_one_for_writing(nodes: list[str]) -> None:
    cache, client = redis_cache(nodes[:1]), Redis.from_url(nodes[0])
    cache.get_many(KEYS)
    client.config_resetstat()
    cache.get_many(KEYS)
    cache.set_many(entries(KEYS))
    stats = client.info("commandstats")
    assert (stats["cmdstat_mget"]["calls"], stats["cmdstat_set"]["calls"]) == (1, 300)
    assert "cmdstat_get" not in stats


@pytest.mark.parametrize("spoiled", [b"", b"random", b"\0" * 40, random.Random(1).randbytes(64), None])
def test_a_spoiled_entry_is_a_miss_and_is_overwritten(nodes: list[str], spoiled: bytes | None) -> None:
    cache, client = redis_cache(nodes[:1]), Redis.from_url(nodes[0])
    kept = entries(KEYS[:2])
    cache.set_many(kept)
    name = f"t:{KEYS[0]}"
    client.set(name, client.get(name)[:-1] if spoiled is None else spoiled)  # type: ignore[index]
    assert cache.get_many(KEYS[:2]) == {KEYS[1]: kept[KEYS[1]]}
    cache.set_many(kept)
    assert cache.get_many(KEYS[:2]) == kept


def test_a_key_of_another_kind_harms_nothing(nodes: list[str]) -> None:
    Redis.from_url(nodes[0]).rpush(f"t:{KEYS[0]}", "x")
    cache, kept = redis_cache(nodes[:1]), entries(KEYS[:1])
    assert cache.get_many(KEYS[:1]) == {}
    cache.set_many(kept)
    assert cache.get_many(KEYS[:1]) == kept


def test_a_node_that_hangs_costs_one_short_wait(
    nodes: list[str], far_node: tuple[Proxy, str], redis_client: Redis
) -> None:
    proxy, address = far_node
    counts = Counts()
    cache = redis_cache([nodes[0], address], counts=counts)
    cache.set_many(entries(KEYS))
    near = sizes(nodes[:1])[0]
    assert (len(cache.get_many(KEYS)), redis_client.dbsize()) == (300, 300 - near)
    proxy.become("hang")
    started = time.monotonic()
    cache.get_many(KEYS)
    cache.set_many(entries(KEYS))
    assert time.monotonic() - started < 20 * TIMEOUT_SECONDS, "not one for each of the keys"
    assert len(counts.failures) == 1
    time.sleep(0.3)
    assert len(cache.get_many(KEYS)) == near, "the other node goes on"
    assert len(counts.failures) == 1


def test_no_request_waits_for_two_nodes(nodes: list[str]) -> None:
    counts = Counts()
    cache = redis_cache(nodes, counts=counts)
    cache.set_many(entries(KEYS))
    with frozen(nodes[0]):
        assert cache.get_many(KEYS) == {}
        cache.set_many(entries(KEYS))
    assert len(counts.failures) == 1


def test_threads_do_not_wait_for_each_other_at_a_node_that_hangs(nodes: list[str]) -> None:
    caches = [redis_cache(nodes[:1]) for _ in range(3)]
    for cache in caches:
        cache.set_many(entries(KEYS))
    with frozen(nodes[0]):
        waits = [slowest_of_eight(cache) for cache in caches]
    assert min(waits) < 2 * TIMEOUT_SECONDS + 0.15, "on a busy machine once at least"


def slowest_of_eight(cache: RedisCache) -> float:
    """Seconds that the slowest of as many threads waited for what all of them asked for at once."""
    took: list[float] = []

    def look() -> None:
        started = time.monotonic()
        cache.get_many(KEYS)
        took.append(time.monotonic() - started)

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return max(took)


def test_a_node_that_is_back_is_used_again(far_node: tuple[Proxy, str], monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, address = far_node
    cache, kept = redis_cache([address]), entries(KEYS)
    cache.set_many(kept)
    proxy.become("refuse")
    assert cache.get_many(KEYS) == {}
    proxy.become("pass")
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 6)
    (guard,) = (node.guard for node in cache._nodes.values())
    monkeypatch.setattr(guard, "_monotonic", time.monotonic)
    assert cache.get_many(KEYS) == kept


def test_nothing_connects_before_it_is_used(nodes: list[str]) -> None:
    client = Redis.from_url(nodes[0])
    before = len(client.client_list())
    cache = redis_cache(nodes[:1])
    assert len(client.client_list()) == before
    cache.set_many(entries(KEYS))
    assert len(client.client_list()) == before + 1


def test_forked_processes_do_not_answer_each_other(nodes: list[str]) -> None:
    cache, kept = redis_cache(nodes), entries(KEYS)
    cache.set_many(kept)
    children = []
    for place in range(3):
        child = os.fork()
        if child == 0:
            mine = KEYS[place::3]
            os._exit(0 if all(cache.get_many(mine) == {key: kept[key] for key in mine} for _ in range(50)) else 3)
        children.append(child)
    assert all(cache.get_many(KEYS) == kept for _ in range(50))
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0, 0]


def test_memory_is_asked_first_and_keeps_what_redis_had_for_the_time_it_has_left(nodes: list[str]) -> None:
    clock, all_counts, redis_counts = StandingClock(), Counts(), Counts()

    def tiered() -> TieredCache:
        far = RedisCache(
            nodes, EntryFormat("json"), "t:", clock, count=redis_counts, on_failure=redis_counts.failures.append
        )
        return TieredCache([MemoryCache(clock), far], clock, all_counts)

    one, other = tiered(), tiered()
    values = {key: {"probability": 0.5} for key in KEYS[:3]}
    one.set_many(values, ttl_seconds=60)
    assert one.get_many(KEYS[:3]) == values
    assert (all_counts.hits, redis_counts.hits) == (3, 0)
    clock.move(timedelta(seconds=59))
    assert other.get_many(KEYS[:4]) == values
    assert other.get_many(KEYS[:3]) == values
    assert (all_counts.hits, all_counts.misses) == (9, 1)
    assert (redis_counts.hits, redis_counts.misses) == (3, 1)
    clock.move(timedelta(seconds=2))
    assert (one.get_many(KEYS[:3]), other.get_many(KEYS[:3])) == ({}, {}), "Redis still has them, by its own clock"


def test_memory_forgets_what_lapsed_and_what_was_not_asked_for_longest() -> None:
    clock = StandingClock()
    memory, now = MemoryCache(clock), clock.now().timestamp()
    memory.set_many({str(number): Entry({}, now + 1 + number % 2) for number in range(MOST_ENTRIES + 1)})
    assert memory.get_many(["0"]) == {}
    assert len(memory.get_many(["1", "2"])) == 2
    clock.move(timedelta(seconds=1.5))
    assert memory.get_many(["1", "2"]).keys() == {"1"}


def test_threads_may_use_one_cache_at_once(nodes: list[str]) -> None:
    counts = Counts()
    cache = TieredCache([MemoryCache(SystemClock()), redis_cache(nodes, counts=counts)], SystemClock(), Counts())
    wrong: list[str] = []

    def work(seed: int) -> None:
        draw = random.Random(seed)
        for _ in range(200):
            keys = draw.sample(KEYS, 5)
            cache.set_many({key: {"probability": int(key, 16)} for key in keys}, 60)
            found = cache.get_many(draw.sample(KEYS, 5))
            wrong.extend(key for key, values in found.items() if values != {"probability": int(key, 16)})

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (wrong, counts.failures) == ([], [])
