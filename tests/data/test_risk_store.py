"""Which answers are still to be compared with the line, and what is kept of the comparison."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, Select, text

from data import prediction_log, risk_store
from data.risk_store import FIRST_CLIENT, Change, Crosser, Order, Place, State, Stretch
from data.tables import client_latest
from helpers.ids import new_id
from tests.support.letters import ledger_row

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def answered(engine: Engine, client_id: str, at: datetime = NOON, **given: Any) -> str:
    row = ledger_row(client_id=client_id, answered_at=at, **given)
    with engine.begin() as connection:
        prediction_log.append_many(connection, [row])
    return row.prediction_id


ALL = Stretch("client_id", FIRST_CLIENT, None)


def unseen(engine: Engine, among: Stretch = ALL) -> list[risk_store.Sighting]:
    with engine.connect() as connection:
        return risk_store.unseen(connection, among)


def in_stretches(engine: Engine, order: Order, after: Place, size: int) -> list[list[str]]:
    """The clients of each stretch, by id."""
    found: list[list[str]] = []
    place: Place | None = after
    while place is not None:
        with engine.connect() as connection:
            stretch = risk_store.stretch(connection, order, place, size)
        found.append(sorted(each.client_id for each in unseen(engine, stretch)))
        place = stretch.until
    return found


def keep(engine: Engine, *states: State) -> None:
    with engine.begin() as connection:
        risk_store.keep(connection, states, [])


def change(client_id: str = "a", at: datetime = NOON, **given: Any) -> Change:
    values: dict[str, Any] = {"high": True, "prediction": 0.6, "money_at_risk": 10.0, **given}
    return Change(new_id(), client_id, at=at, prediction_id=new_id(), cutoff=0.5, **values)


def test_a_client_is_there_until_its_answer_was_compared(engine: Engine) -> None:
    one = answered(engine, "a")
    (seen,) = unseen(engine)
    assert (seen.client_id, seen.prediction_id, seen.answered_at, seen.was_high) == ("a", one, NOON, None)
    keep(engine, State("a", True, NOON, one))
    assert unseen(engine) == []
    two = answered(engine, "a", NOON + MINUTE, prediction=0.1)
    (seen,) = unseen(engine)
    assert (seen.prediction_id, seen.prediction, seen.was_high) == (two, 0.1, True)


def test_of_two_answers_at_one_instant_the_later_made_counts(engine: Engine) -> None:
    one, two = sorted(answered(engine, "a") for _ in range(2))
    keep(engine, State("a", True, NOON, one))
    assert [seen.prediction_id for seen in unseen(engine)] == [two]


def test_an_earlier_state_never_replaces_a_later_one(engine: Engine) -> None:
    one = answered(engine, "a")
    keep(engine, State("a", True, NOON, one))
    keep(engine, State("a", False, NOON - MINUTE, new_id()))
    assert unseen(engine) == []


def test_stretches_hold_each_client_once(engine: Engine) -> None:
    for number in range(5):
        answered(engine, f"c{number}", NOON + (4 - number) * MINUTE)
    assert in_stretches(engine, "client_id", FIRST_CLIENT, 2) == [["c0", "c1"], ["c2", "c3"], ["c4"]]
    assert in_stretches(engine, "client_id", "c2", 2) == [["c3", "c4"], []]
    assert in_stretches(engine, "answered_at", NOON, 2) == [["c2", "c3"], ["c0", "c1"], []]


def test_those_answered_in_one_instant_are_in_one_stretch(engine: Engine) -> None:
    for number in range(5):
        answered(engine, f"c{number}", NOON + (number // 4) * MINUTE)
    assert in_stretches(engine, "answered_at", NOON - MINUTE, 2) == [["c0", "c1", "c2", "c3"], ["c4"]]


def test_a_client_without_a_score_is_never_seen(engine: Engine) -> None:
    answered(engine, "a", arm="holdout", prediction=None, high_risk=None, money_at_risk=None)
    assert unseen(engine) == []


def test_a_crossing_is_noted_once(engine: Engine) -> None:
    one = change()
    for again in (one, replace(one, prediction=0.9)):
        with engine.begin() as connection:
            risk_store.keep(connection, [], [again])
    with engine.connect() as connection:
        assert risk_store.crossed(connection, NOON, NOON + MINUTE, high=True) == 1
        assert risk_store.weightiest(connection, NOON, NOON + MINUTE, 5, high=True) == [Crosser("a", 0.6, 10.0)]


def test_who_matters_most_within_a_time(engine: Engine) -> None:
    rows = [
        change("unknown", money_at_risk=None),
        change("rich", money_at_risk=900.0),
        change("twice", NOON, money_at_risk=20.0),
        change("twice", NOON + 2 * MINUTE, money_at_risk=30.0, prediction=0.9),
        change("left", high=False),
        change("before", NOON - MINUTE),
        change("after", NOON + 5 * MINUTE),
    ]
    with engine.begin() as connection:
        risk_store.keep(connection, [], rows)
    with engine.connect() as connection:
        end = NOON + 5 * MINUTE
        assert risk_store.crossed(connection, NOON, end, high=True) == 3
        assert risk_store.crossed(connection, NOON, end, high=False) == 1
        top = risk_store.weightiest(connection, NOON, end, 5, high=True)
        assert [each.client_id for each in top] == ["rich", "twice", "unknown"]
        assert top[1] == Crosser("twice", 0.9, 30.0)
        assert len(risk_store.weightiest(connection, NOON, end, 1, high=True)) == 1


@pytest.mark.parametrize(
    ("order", "after", "until", "index"),
    [
        ("answered_at", NOON + 500 * MINUTE, NOON + 520 * MINUTE, "ix_client_latest_answered_at"),
        ("client_id", "c0500", "c0520", "PRIMARY"),
    ],
)
def test_a_stretch_is_read_by_its_index(engine: Engine, order: Order, after: Place, until: Place, index: str) -> None:
    rows = [
        {"client_id": f"c{n:04}", "prediction_id": new_id(), "answered_at": NOON + n * MINUTE, "prediction": 0.5}
        for n in range(3_000)
    ]
    with engine.begin() as connection:
        connection.execute(client_latest.insert(), rows)
    with engine.begin() as connection:
        if engine.dialect.name == "mysql":
            connection.execute(text("analyze table client_latest, risk_states"))
        assert risk_store.stretch(connection, order, after, 20).until == until
        for wanted in (risk_store._last_place(order, after, 20), risk_store._unseen(Stretch(order, after, until))):
            plan = explained(connection, wanted)
            assert index in plan or "INDEX sqlite_autoindex_client_latest" in plan, plan
            assert "SCAN client_latest" not in plan
            assert "'ALL'" not in plan
            assert "filesort" not in plan
            assert "TEMP B-TREE" not in plan


def explained(connection: Connection, wanted: Select[Any]) -> str:
    spelled = str(wanted.compile(connection, compile_kwargs={"literal_binds": True}))
    escaped = spelled.replace(":", "\\:").replace("%%", "%")
    explain = "explain query plan" if connection.dialect.name == "sqlite" else "explain"
    return str(connection.execute(text(f"{explain} {escaped}")).all())
