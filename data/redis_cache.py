"""Answers that all processes remember together, on one Redis or spread over several."""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from redis import Redis
from uhashring import HashRing

from data.cache_entry import Entry, EntryFormat
from data.redis_client import build_redis
from data.tiered_cache import Count
from helpers.clock import Clock
from helpers.failsoft import FailSoft

T = TypeVar("T")

TIMEOUT_SECONDS = 0.05
"""An answer that takes longer to fetch than this is better computed."""
QUIET_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Node:
    client: Redis
    guard: FailSoft


class RedisCache:
    """Entries by key on the nodes at `urls`. Each key has its node by consistent hashing: a node more or fewer moves
    only the keys that it takes or leaves, and every process agrees whatever the order of the addresses.

    A batch is one round trip to each node. A node that fails is left alone for some seconds, its keys are misses, and
    no other node is asked for a moment: so no request waits for two. Nothing connects before it is used.
    """

    def __init__(
        self,
        urls: Sequence[str],
        form: EntryFormat,
        prefix: str,
        clock: Clock,
        *,
        count: Count,
        on_failure: Callable[[Exception], None],
    ) -> None:
        self._form = form
        self._prefix = prefix
        self._clock = clock
        self._count = count
        self._on_failure = on_failure
        self._quiet_until = 0.0
        self._nodes = dict(map(self._node, urls))
        self._ring = HashRing(list(self._nodes))

    def get_many(self, keys: Sequence[str]) -> dict[str, Entry]:
        now = self._clock.now().timestamp()
        found = {}
        for key, written in self._written(keys):
            entry = None if written is None else self._form.read(key, written)
            if entry is not None and entry.expires_at > now:
                found[key] = entry
        self._count(len(found), len(keys) - len(found))
        return found

    def set_many(self, entries: Mapping[str, Entry]) -> None:
        now = self._clock.now().timestamp()
        for node, keys in self._by_node(list(entries)):
            self._try(node, partial(self._set, node.client, {key: entries[key] for key in keys}, now), None)

    def _written(self, keys: Sequence[str]) -> list[tuple[str, bytes | None]]:
        """What the nodes hold under the keys; those of a node that is away are left out."""
        held: list[tuple[str, bytes | None]] = []
        for node, chosen in self._by_node(keys):
            held += self._try(node, partial(self._get, node.client, chosen), [])
        return held

    def _get(self, client: Redis, keys: Sequence[str]) -> list[tuple[str, bytes | None]]:
        held: list[Any] = client.mget([self._prefix + key for key in keys])
        return list(zip(keys, held, strict=True))

    def _set(self, client: Redis, entries: Mapping[str, Entry], now: float) -> None:
        with client.pipeline(transaction=False) as pipeline:
            for key, entry in entries.items():
                lifetime = max(1, round(1_000 * (entry.expires_at - now)))
                pipeline.set(self._prefix + key, self._form.write(key, entry), px=lifetime)
            pipeline.execute()

    def _by_node(self, keys: Sequence[str]) -> list[tuple[Node, list[str]]]:
        chosen: dict[str, list[str]] = defaultdict(list)
        for key in keys:
            chosen[self._ring.get_node(key)].append(key)
        return [(self._nodes[name], its) for name, its in chosen.items()]

    def _try(self, node: Node, what: Callable[[], T], default: T) -> T:
        return default if time.monotonic() < self._quiet_until else node.guard.call(what, default)

    def _node(self, url: str) -> tuple[str, Node]:
        client = build_redis(url, TIMEOUT_SECONDS)
        name = _place(client)
        return name, Node(client, FailSoft(f"cache at {name}", failures=1, on_failure=self._failed))

    def _failed(self, error: Exception) -> None:
        self._quiet_until = time.monotonic() + QUIET_SECONDS
        self._on_failure(error)


def _place(client: Redis) -> str:
    """Where it is, without the password: the keys stay where they are when that changes."""
    where = client.get_connection_kwargs()
    server = where.get("path") or f"{where.get('host', 'localhost')}:{where.get('port', 6379)}"
    return f"{server}/{where.get('db', 0)}"
