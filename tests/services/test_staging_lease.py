"""A staging deployment is one trial's at a time, and what it is owed outlives the trial."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import pytest
from sqlalchemy import Engine

from data.stage_client import StageProblem
from data.staging_trial_store import Owed
from helpers.clock import SystemClock
from services.config.staging_lease import LEASE, leased, left
from tests.support.clock import StandingClock

URL = "https://stage.example.com"
OWED = Owed({"shadow": ["heuristic"], "proba_cutoff": 0.5}, {"shadow": "[]"}, "tried out 😀", 1_900_000_000.25)


def test_of_many_at_once_one_has_the_turn(engine: Engine) -> None:
    barrier = Barrier(6)

    def begin(_number: int) -> str:
        barrier.wait()
        try:
            with leased(engine, SystemClock(), URL, 0):
                barrier.wait(20)
                return "had it"
        except StageProblem as problem:
            barrier.wait(20)
            return str(problem)[:14]

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(begin, range(6))) == ["another change"] * 5 + ["had it"]


def test_what_is_owed_is_the_next_ones_to_settle(engine: Engine) -> None:
    clock = StandingClock(datetime(2026, 3, 1, tzinfo=UTC))
    with leased(engine, clock, URL, 0) as lease:
        lease.owe(OWED)
        assert not left(engine, clock, URL)
    assert left(engine, clock, URL)
    with leased(engine, clock, "https://another.example.com", 0) as lease:
        assert lease.owed is None
    with leased(engine, clock, URL, 0) as lease:
        assert lease.owed == OWED
        lease.owe(None)
    assert not left(engine, clock, URL)


def test_who_let_the_turn_lapse_does_nothing_more(engine: Engine) -> None:
    clock = StandingClock()
    with leased(engine, clock, URL, 0) as slow:
        clock.move(LEASE)
        with leased(engine, clock, URL, 0) as other:
            with pytest.raises(StageProblem, match="another one has its turn now"):
                slow.keep()
            slow.end()
            other.owe(OWED)
    assert left(engine, clock, URL)
