"""Answers remembered by one process."""

import threading
from collections.abc import Mapping, Sequence

from cachetools import TLRUCache

from data.cache_entry import Entry
from helpers.clock import Clock

MOST_ENTRIES = 20_000


class MemoryCache:
    """Entries by key until they lapse; the least recently used go first."""

    def __init__(self, clock: Clock) -> None:
        self._lock = threading.Lock()
        self._entries: TLRUCache[str, Entry] = TLRUCache(
            MOST_ENTRIES, ttu=lambda _key, entry, _now: entry.expires_at, timer=lambda: clock.now().timestamp()
        )

    def get_many(self, keys: Sequence[str]) -> dict[str, Entry]:
        with self._lock:
            return {key: entry for key in keys if (entry := self._entries.get(key)) is not None}

    def set_many(self, entries: Mapping[str, Entry]) -> None:
        with self._lock:
            self._entries.update(entries)
