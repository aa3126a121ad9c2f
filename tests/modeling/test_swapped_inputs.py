"""Inputs that differ by swapped values never share an entry, and processes with other hash seeds find it."""

import os
import subprocess
import sys

from redis import Redis

from tests.support.deployment import ROOT
from tests.support.long_form import cases
from tests.support.processes import release_together

SEEDS = ("0", "1", "4242", "random")
PAIRS = cases(5_000, 100_000)


def begin(url: str, place: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.support.swapping", url, str(PAIRS), str(place), str(len(SEEDS))]
    environ = {**os.environ, "PYTHONHASHSEED": SEEDS[place]}
    piped = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return subprocess.Popen(command, cwd=ROOT, env=environ, text=True, **piped)  # type: ignore[call-overload,no-any-return]


def test_no_entry_is_shared_and_every_process_finds_the_others(redis_url: str, redis_client: Redis) -> None:
    started = [begin(redis_url, place) for place in range(len(SEEDS))]
    release_together(started)
    assert redis_client.dbsize() == 2 * PAIRS
    found = [int(process.communicate(timeout=280)[0]) for process in started]
    assert found == [2 * PAIRS] * len(SEEDS)
    assert redis_client.dbsize() == 2 * PAIRS
