"""Processes that keep one periodic duty, as `flask schedule` keeps its own, and when each of them did it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from tests.support.deployment import TIED

KEEP = """
import sys, time
from data.redis_client import build_redis
from data.turns import Turns
from jobs.schedule import Duty, keep
redis = build_redis(sys.argv[1], timeout=1.0)
def note():
    redis.rpush("ran", f"{time.time()} {sys.argv[2]}")
keep([Duty("note", float(sys.argv[3]), note)], Turns(sys.argv[1]))
"""


def start(redis_url: str, name: str, period: float) -> "subprocess.Popen[bytes]":
    """One that notes each turn of its duty, due every `period` seconds, under its own name."""
    return subprocess.Popen(
        [*TIED, sys.executable, "-c", KEEP, redis_url, name, str(period)], stderr=subprocess.DEVNULL
    )


@contextmanager
def running(*processes: "subprocess.Popen[bytes]") -> Iterator[None]:
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def runs(client: redis.Redis) -> list[tuple[float, str]]:
    """When the duty was done, and by whom."""
    found = [entry.decode().split() for entry in client.lrange("ran", 0, -1)]  # type: ignore[union-attr]
    return [(float(at), name) for at, name in found]
