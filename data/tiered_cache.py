"""A cache of several tiers, the quickest first."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from data.cache_entry import Entry
from helpers.clock import Clock

Count = Callable[[int, int], None]


class Tier(Protocol):
    """A store of entries. It never raises: one that is away is an empty one."""

    def get_many(self, keys: Sequence[str]) -> Mapping[str, Entry]: ...

    def set_many(self, entries: Mapping[str, Entry]) -> None: ...


class TieredCache:
    """Asks a tier only for what those before it do not have, and lets them keep what it found for the time it has left.

    `count` is told of each look-up how many keys were hits, and how many misses.
    """

    def __init__(self, tiers: Sequence[Tier], clock: Clock, count: Count) -> None:
        self._tiers = tuple(tiers)
        self._clock = clock
        self._count = count

    def get_many(self, keys: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        found: dict[str, Entry] = {}
        for place, tier in enumerate(self._tiers):
            missing = [key for key in keys if key not in found]
            here = tier.get_many(missing) if missing else {}
            found.update(here)
            for quicker in self._tiers[:place] if here else ():
                quicker.set_many(here)
        self._count(len(found), len(keys) - len(found))
        return {key: entry.values for key, entry in found.items()}

    def set_many(self, entries: Mapping[str, Mapping[str, Any]], ttl_seconds: float) -> None:
        expires_at = self._clock.now().timestamp() + ttl_seconds
        dated = {key: Entry(values, expires_at) for key, values in entries.items()}
        for tier in self._tiers:
            tier.set_many(dated)
