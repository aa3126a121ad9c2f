"""A cache that a test can look into and spoil, and rules to go by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class Shelf:
    """Values by key; `lifetimes` remembers for how long each was to be kept, `asked` counts look-ups."""

    def __init__(self) -> None:
        self.entries: dict[str, Mapping[str, Any]] = {}
        self.lifetimes: dict[str, float] = {}
        self.asked = 0

    def get_many(self, keys: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        self.asked += 1
        return {key: self.entries[key] for key in keys if key in self.entries}

    def set_many(self, entries: Mapping[str, Mapping[str, Any]], ttl_seconds: float) -> None:
        self.entries.update(entries)
        self.lifetimes.update(dict.fromkeys(entries, ttl_seconds))


@dataclass(frozen=True, slots=True)
class Keeping:
    """The rules of a cache as a configuration has them."""

    cache_ttl_seconds: float = 60.0
    cache_fields: tuple[str, ...] = ()
    cache_decimals: int | None = None
