"""Answers remembered by one process."""

import threading

from cachetools import TLRUCache

from helpers.clock import Clock

MOST_ENTRIES = 20_000


class MemoryCache:
    """Bytes by key, each for `ttl_seconds` from when it was set; the least recently used go first."""

    def __init__(self, clock: Clock) -> None:
        self._lock = threading.Lock()
        self._entries: TLRUCache[str, tuple[bytes, float]] = TLRUCache(
            MOST_ENTRIES, ttu=lambda _key, entry, now: now + entry[1], timer=lambda: clock.now().timestamp()
        )

    def get(self, key: str) -> bytes | None:
        with self._lock:
            entry = self._entries.get(key)
        return None if entry is None else entry[0]

    def set(self, key: str, value: bytes, ttl_seconds: float) -> None:
        with self._lock:
            self._entries[key] = (value, ttl_seconds)
