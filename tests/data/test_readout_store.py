"""Which outcome counts, and how clients are counted by it: on both databases alike."""

import itertools
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, insert

from data import readout_tallies
from data.readout_store import Bin, Part, Question, Served, early_outcomes
from data.readout_tallies import SilentBins, Tallies
from data.tables import exposure_scores, exposures, outcomes
from tests.support.clients import CLOSES, EXPERIMENT, FIRST_AT, MATURITY_DAYS, met, put, scored, told
from tests.support.plans import plan, settle

TICK = timedelta(microseconds=1)
MIDNIGHT = FIRST_AT.replace(hour=0, minute=0, second=0, microsecond=0)
LATER = FIRST_AT + timedelta(days=3)
CHAMPION = Served("champion", "additive@1")
CHALLENGER = Served("challenger", "gradient_boosting@2")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LEFT, STAYED = True, False


def question(now: datetime = CLOSES, served: Sequence[Served] = (CHAMPION, CHALLENGER)) -> Question:
    return Question(EXPERIMENT, now, MATURITY_DAYS, served)


def parts(engine: Engine, now: datetime = CLOSES, **changes: Any) -> list[Part]:
    with engine.connect() as connection:
        return list(readout_tallies.parts(connection, question(now, **changes)))


def counted(engine: Engine, now: datetime = CLOSES, silent: Sequence[str] = (), **changes: Any) -> Tallies:
    with engine.connect() as connection:
        return readout_tallies.tallies(connection, question(now, **changes), silent)


def bins(engine: Engine, now: datetime = CLOSES) -> list[Bin]:
    return sorted(counted(engine, now).bins, key=lambda each: (str(each.served), each.score))


def known(engine: Engine, now: datetime = CLOSES) -> tuple[bool, bool | None]:
    """Of the one client there is: whether its window is closed, and what the report says that decides."""
    (part,) = parts(engine, now)
    assert part.clients == 1
    return part.closed, part.churned


@pytest.mark.parametrize(
    ("reports", "churned"),
    [
        ([], None),
        ([(LEFT, LATER)], LEFT),
        ([(STAYED, LATER)], STAYED),
        ([(LEFT, FIRST_AT)], LEFT),
        ([(LEFT, MIDNIGHT)], LEFT),
        ([(LEFT, MIDNIGHT - TICK)], None),
        ([(LEFT, CLOSES)], LEFT),
        ([(LEFT, CLOSES + TICK)], None),
        ([(LEFT, LATER), (STAYED, LATER + TICK)], STAYED),
        ([(STAYED, LATER), (LEFT, LATER + TICK)], LEFT),
        ([(STAYED, LATER), (LEFT, LATER)], LEFT),
        ([(LEFT, LATER), (LEFT, LATER), (STAYED, LATER)], LEFT),
        ([(LEFT, MIDNIGHT - TICK), (STAYED, LATER)], STAYED),
        ([(LEFT, LATER), (STAYED, CLOSES + TICK)], LEFT),
        ([(STAYED, CLOSES), (LEFT, CLOSES + TICK)], STAYED),
    ],
)
def test_the_newest_report_in_the_window_decides(
    engine: Engine, reports: list[tuple[bool, datetime]], churned: bool | None
) -> None:
    put(engine, clients=[met()], reports=[told(*report) for report in reports])
    assert known(engine) == (True, churned)


def test_the_order_in_which_reports_arrive_never_matters(engine: Engine) -> None:
    reports = [(STAYED, LATER), (LEFT, LATER + TICK), (STAYED, LATER + TICK), (LEFT, CLOSES + TICK)]
    for number, order in enumerate(itertools.permutations(reports)):
        name = f"client {number}"
        put(engine, clients=[met(name)], reports=[told(*report, client_id=name) for report in order])
    (part,) = parts(engine)
    assert (part.churned, part.clients) == (LEFT, 24)


def test_a_window_closes_to_the_microsecond(engine: Engine) -> None:
    put(engine, clients=[met()])
    assert known(engine, CLOSES - TICK) == (False, None)
    assert known(engine, CLOSES) == (True, None)


def test_a_report_on_somebody_else_does_not_count(engine: Engine) -> None:
    put(
        engine, clients=[met()], reports=[told(LEFT, LATER, client_id=name) for name in ("Anna", "anna ", "änna", None)]
    )
    assert known(engine) == (True, None)


def test_clients_are_counted_with_their_money_by_what_is_known(engine: Engine) -> None:
    other = {"arm": "challenger", "model": "gradient_boosting@2"}
    late = FIRST_AT + timedelta(days=1, hours=9)
    clients = [
        met("a"),
        met("b", ltv=20.0),
        met("c", ltv=None),
        met("d", ltv=7.0, first_at=late),
        met("e", **other),
        met("f", experiment="another"),
    ]
    put(engine, clients=clients, reports=[told(LEFT, LATER, name) for name in ("a", "b", "c", "f")])
    day = (FIRST_AT - EPOCH).days
    assert sorted(parts(engine), key=lambda part: (part.served.arm, part.day)) == [
        Part(CHALLENGER, day, True, None, 1, 1, 100.0, 10_000.0),
        Part(CHAMPION, day, True, LEFT, 3, 2, 120.0, 10_400.0),
        Part(CHAMPION, day + 2, False, None, 1, 1, 7.0, 49.0),
    ]


def test_nobody_is_nothing(engine: Engine) -> None:
    assert parts(engine, served=()) == []
    assert parts(engine) == []
    nothing = counted(engine, served=(), silent=["heuristic@1"])
    assert nothing == Tallies([], [], {"heuristic@1": SilentBins([], [])})


def test_who_is_served_by_what_the_question_does_not_know_is_left_out(engine: Engine) -> None:
    put(engine, clients=[met("a"), met("b", model="newer@1")])
    assert [part.clients for part in parts(engine)] == [1]
    assert [each.closed for each in bins(engine)] == [1]


def some(clients: int, churned: bool | None, *, closed: bool = False) -> Part:
    return Part(CHAMPION, 0, closed, churned, clients, 0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("found", "early"),
    [
        ([], "none"),
        ([some(50, None), some(9, LEFT, closed=True)], "none"),
        ([some(50, LEFT)], "waiting"),
        ([some(80, LEFT), some(20, STAYED)], "counted"),
        ([some(81, LEFT), some(20, STAYED)], "waiting"),
        ([some(1, STAYED)], "counted"),
        ([some(80, LEFT), some(20, STAYED), some(1, None, closed=True)], "waiting"),
        ([some(80, LEFT), some(20, STAYED), some(9, STAYED, closed=True), some(1, None, closed=True)], "counted"),
        ([some(80, LEFT), some(20, STAYED), some(8, STAYED, closed=True), some(1, None, closed=True)], "waiting"),
        ([some(80, LEFT), some(20, STAYED), some(50, LEFT, closed=True)], "counted"),
    ],
)
def test_early_reports_wait_unless_stayers_are_told_early_too(found: list[Part], early: str) -> None:
    assert early_outcomes(found) == early


def test_maturity_follows_from_the_window_or_from_early_reports_that_count() -> None:
    assert some(1, None, closed=True).matured("none")
    assert some(1, LEFT).matured("counted")
    assert not some(1, LEFT).matured("waiting")
    assert not some(1, None).matured("counted")
    both = Bin(CHAMPION, 0.1, closed=5, closed_churned=2, early=3, early_churned=1)
    assert both.matured("counted") == (8, 3)
    assert both.matured("waiting") == (5, 2)


def test_scores_are_counted_by_what_is_known(engine: Engine) -> None:
    fresh = {"first_at": FIRST_AT + timedelta(days=2)}
    clients = [
        met("a", score=0.25),
        met("b", score=0.2503),
        met("c", score=0.25, **fresh),
        met("d", score=0.25, **fresh),
        met("e", score=0.25, **fresh),
        met("f", score=0.7, **fresh),
        met("g", score=None),
    ]
    reports = [told(LEFT, LATER, "b"), told(LEFT, LATER, "c"), told(STAYED, LATER, "d"), told(LEFT, LATER, "g")]
    put(engine, clients=clients, reports=reports)
    assert bins(engine) == [Bin(CHAMPION, 0.25, closed=2, closed_churned=1, early=2, early_churned=1)]


def test_scores_fall_into_the_same_bins_on_every_database(engine: Engine) -> None:
    """Halves, and numbers that lie on neither side of one as they are written."""
    given = {0.0: 0.0, 0.00005: 0.0001, 0.01235: 0.0124, 0.09994: 0.0999, 0.1: 0.1, 0.1005: 0.101, 0.2145: 0.215}
    given |= {0.62549: 0.625, 0.6255: 0.626, 0.9995: 1.0, 1.0: 1.0}
    put(engine, clients=[met(f"client {score}", score=score) for score in given])
    assert {each.score for each in bins(engine)} == set(given.values())
    assert sum(each.closed for each in bins(engine)) == len(given)


def test_silent_scores_count_where_they_were_said_at_the_first_answer(engine: Engine) -> None:
    clients = [met("a", score=0.2), met("b", score=0.3), met("c", score=0.4), met("d", score=None)]
    silent = [
        scored("a", score=0.6),
        scored("b", score=0.7, prediction_id="of a later answer"),
        scored("c", model="other@1", score=0.8),
        scored("d", score=0.9),
    ]
    put(engine, clients=clients, silent=silent, reports=[told(LEFT, LATER, "a")])
    found = counted(engine, silent=["other@1", "heuristic@1"])
    own, other = [Bin(CHAMPION, 0.2, 1, 1, 0, 0)], Bin(CHAMPION, 0.8, 1, 0, 0, 0)
    assert found.silent["heuristic@1"] == SilentBins([Bin(CHAMPION, 0.6, 1, 1, 0, 0)], own)
    assert found.silent["other@1"] == SilentBins([other], [Bin(CHAMPION, 0.4, 1, 0, 0, 0)])
    assert sum(each.closed for each in found.bins) == 3
    assert sum(part.clients for part in found.parts) == 4


def test_one_pass_counts_clients_as_a_pass_of_their_own_does(engine: Engine) -> None:
    hours = [timedelta(hours=n) for n in range(90)]
    clients = [met(f"client {n}", first_at=FIRST_AT + each, ltv=n or None) for n, each in enumerate(hours)]
    reports = [told(n % 3 == 0, LATER + timedelta(hours=n), f"client {n}") for n in range(0, 90, 2)]
    put(engine, clients=clients, silent=[scored(f"client {n}") for n in range(40)], reports=reports)
    assert sorted(map(str, counted(engine, silent=["heuristic@1"]).parts)) == sorted(map(str, parts(engine)))


@pytest.fixture
def crowded(engine: Engine) -> Engine:
    """Enough clients, in several experiments, for an index to be worth its while."""
    drawn = random.Random(7)
    names = [f"client {number}" for number in range(3_000)]
    with engine.begin() as connection:
        for experiment in (EXPERIMENT, "other", "third", "fourth"):
            clients = [met(name, experiment=experiment, score=drawn.random()) for name in names]
            connection.execute(insert(exposures), clients)
            connection.execute(insert(exposure_scores), [scored(name, experiment=experiment) for name in names])
        connection.execute(insert(outcomes), [told(drawn.random() < 0.1, LATER, name) for name in names])
        settle(connection, "exposures", "exposure_scores", "outcomes")
    return engine


def test_reports_and_silent_scores_are_found_by_an_index(crowded: Engine) -> None:
    with crowded.connect() as connection:
        plans = [
            plan(connection, lambda: readout_tallies.parts(connection, question())),
            plan(connection, lambda: readout_tallies.tallies(connection, question(), ["heuristic@1"])),
        ]
    assert all("ix_outcomes_of_client" in found for found in plans)
    assert not any(f"'{table}', 'ALL'" in found for found in plans for table in ("exposures", "exposure_scores"))
    assert not any(
        f"SCAN {table}" in found for found in plans for table in ("exposures", "exposure_scores", "outcomes")
    )
    assert "eq_ref" in plans[1] or "USING INDEX sqlite_autoindex_exposure_scores" in plans[1]
