"""Periodic duties are done, once over all processes, through deaths and outages."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
import redis

from data.queue import Queue
from data.turns import Turns
from tests.support.mailroom import MailRoom, mail_deployment, proxied
from tests.support.peers import SmtpPeer

PERIOD = 1.5

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


def start(redis_url: str, name: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", KEEP, redis_url, name, str(PERIOD)], stderr=subprocess.DEVNULL)


@contextmanager
def running(*processes: "subprocess.Popen[bytes]") -> Iterator[None]:
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def runs(client: redis.Redis) -> list[tuple[float, str]]:
    found = [entry.decode().split() for entry in client.lrange("ran", 0, -1)]  # type: ignore[union-attr]
    return [(float(at), name) for at, name in found]


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


def test_a_turn_is_taken_once_a_period(redis_client: redis.Redis, redis_url: str) -> None:
    turns = Turns(redis_url)
    assert [turns.take("one", 0.3), turns.take("one", 0.3), turns.take("two", 0.3)] == [True, False, True]
    time.sleep(0.35)
    assert turns.take("one", 0.3)


def test_without_redis_a_turn_is_nobodys() -> None:
    with pytest.raises(redis.RedisError):
        Turns("redis://127.0.0.1:1/0").take("one", 1)


def test_a_duty_runs_once_a_period_though_its_holder_is_killed_each_time(
    redis_client: redis.Redis, redis_url: str
) -> None:
    processes = {name: start(redis_url, name) for name in "abcd"}
    with running(*processes.values()):
        for number in range(1, 4):
            wait_for(lambda: len(runs(redis_client)) >= number, 90)  # noqa: B023
            holder = runs(redis_client)[-1][1]
            processes[holder].kill()
        wait_for(lambda: len(runs(redis_client)) >= 6, 60)
        times = [at for at, _name in runs(redis_client)]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert min(gaps) > PERIOD * 0.95
    assert max(gaps) < PERIOD * 2 + 1


def test_it_goes_on_after_redis_was_away_and_stops_in_order(redis_client: redis.Redis, redis_url: str) -> None:
    with proxied(redis_url) as (proxy, url):
        process = start(url, "a")
        with running(process):
            wait_for(lambda: len(runs(redis_client)) >= 1, 90)
            proxy.become("refuse")
            time.sleep(PERIOD * 2)
            before = len(runs(redis_client))
            proxy.become("pass")
            wait_for(lambda: len(runs(redis_client)) > before, 10)
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0


def test_the_schedule_process_finds_forgotten_mail(
    redis_client: redis.Redis, redis_url: str, smtp_peer: SmtpPeer, tmp_path: Path
) -> None:
    """As `flask schedule` runs it; no worker is there to take the job that it makes."""
    with mail_deployment(tmp_path, "", redis_url, smtp_peer.url) as made:
        room = MailRoom(made, made.engine, Queue(redis_url), redis_client, smtp_peer)
        (one,) = room.post(wake=False)
        made.start("schedule")
        wait_for(lambda: room.queue.waiting([one]) == {one}, 30)
        assert (tmp_path / "schedule.heartbeat").exists()
        process = made.processes["schedule"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
