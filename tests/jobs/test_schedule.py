"""Periodic duties are done, once over all processes, through deaths and outages."""

import signal
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import redis

from data.queue import Queue
from data.turns import Turns
from tests.support.keepers import running, runs, start
from tests.support.mailroom import MailRoom, mail_deployment, proxied
from tests.support.peers import SmtpPeer

PERIOD = 1.5


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


def test_a_turn_is_taken_once_a_period(redis_client: redis.Redis, redis_url: str) -> None:
    turns = Turns(redis_url)
    assert [turns.take("one", 2), turns.take("one", 2), turns.take("two", 2)] == [True, False, True]
    wait_for(lambda: turns.take("one", 2), 20)


def test_without_redis_a_turn_is_nobodys() -> None:
    with pytest.raises(redis.RedisError):
        Turns("redis://127.0.0.1:1/0").take("one", 1)


@pytest.mark.promise("P17")
def test_a_duty_runs_once_a_period_though_its_holder_is_killed_each_time(
    redis_client: redis.Redis, redis_url: str
) -> None:
    processes = {name: start(redis_url, name, PERIOD) for name in "abcd"}
    with running(*processes.values()):
        for number in range(1, 4):
            wait_for(lambda: len(runs(redis_client)) >= number, 90)  # noqa: B023
            holder = runs(redis_client)[-1][1]
            processes[holder].kill()
        wait_for(lambda: len(runs(redis_client)) >= 6, 60)
        times = [at for at, _name in runs(redis_client)]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert min(gaps) > PERIOD / 2, "they note a turn some time after they took it"
    assert max(gaps) < PERIOD * 4


def test_it_goes_on_after_redis_was_away_and_stops_in_order(redis_client: redis.Redis, redis_url: str) -> None:
    with proxied(redis_url) as (proxy, url):
        process = start(url, "a", PERIOD)
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
        wait_for(lambda: room.queue.waiting([one]) == {one}, 120)
        assert (tmp_path / "schedule.heartbeat").exists()
        process = made.processes["schedule"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
