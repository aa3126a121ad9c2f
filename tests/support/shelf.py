"""A cache that a test can look into and spoil."""


class Shelf:
    """Bytes by key; `lifetimes` remembers for how long each was to be kept."""

    def __init__(self) -> None:
        self.entries: dict[str, bytes] = {}
        self.lifetimes: dict[str, float] = {}

    def get(self, key: str) -> bytes | None:
        return self.entries.get(key)

    def set(self, key: str, value: bytes, ttl_seconds: float) -> None:
        self.entries[key] = value
        self.lifetimes[key] = ttl_seconds
