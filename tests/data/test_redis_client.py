"""A Redis that does not answer costs one short timeout."""

import socket
import time
from collections.abc import Iterator

import pytest
import redis

from data.redis_client import build_redis


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_silent_server_costs_one_timeout(silent_port: int) -> None:
    with build_redis(f"redis://127.0.0.1:{silent_port}/0", timeout=1) as client:
        started = time.monotonic()
        with pytest.raises(redis.RedisError):
            client.ping()
        assert time.monotonic() - started < 2


def test_it_talks_to_a_real_one(redis_url: str) -> None:
    with build_redis(redis_url, timeout=1.0) as client:
        client.set("holdfast-test", "1", ex=5)
        assert client.get("holdfast-test") == b"1"
