"""A cache of which is known how often it was asked, and how often it had the answer."""

from collections.abc import Callable
from typing import Protocol


class Bytes(Protocol):
    def get(self, key: str) -> bytes | None: ...

    def set(self, key: str, value: bytes, ttl_seconds: float) -> None: ...


class CountedCache:
    """`cache` itself; `count` is told of each look-up whether it was a hit."""

    def __init__(self, cache: Bytes, count: Callable[[bool], None]) -> None:
        self._cache = cache
        self._count = count
        self.set = cache.set

    def get(self, key: str) -> bytes | None:
        found = self._cache.get(key)
        self._count(found is not None)
        return found
