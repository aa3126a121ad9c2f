"""Whom to call: in order, whole, without those who are to be left alone, and without reading the whole ledger."""

import random
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from itertools import islice

import pytest
from sqlalchemy import Engine, insert, select, update

from data import action_store, call_list_store, outcome_store, prediction_log
from data.action_store import Action
from data.dialect import as_of_one_instant
from data.outcome_store import Outcome
from data.prediction_log import LedgerRow
from data.risk_order import Place, Stretch
from data.tables import actions, client_latest, model_logs, outcomes
from helpers.ids import new_id
from tests.support.ledger import NOON, row
from tests.support.plans import plan, rows_read, settle

DAY = timedelta(days=1)
SINCE = NOON - 30 * DAY


def deed(client_id: str, at: datetime, prediction_id: str | None = None) -> Action:
    return Action(new_id(), client_id, "call", at, "anna", prediction_id, NOON)


def report(client_id: str, churned: bool, at: datetime) -> Outcome:
    return Outcome(new_id(), client_id, None, churned, at, NOON, "api")


def scored(client_id: str, money: float | None, prediction: float | None = 0.5, at: datetime = NOON) -> LedgerRow:
    arm = "holdout" if prediction is None else "champion"
    return row(client_id, money_at_risk=money, prediction=prediction, answered_at=at, arm=arm)


def write(
    engine: Engine, rows: Sequence[LedgerRow], deeds: Sequence[Action] = (), reports: Sequence[Outcome] = ()
) -> None:
    with engine.begin() as connection:
        prediction_log.append_many(connection, rows)
        action_store.add_many(connection, deeds)
        outcome_store.add_many(connection, reports)


def listed(engine: Engine, portion: int = 1_000) -> list[LedgerRow]:
    with engine.connect() as connection:
        return list(call_list_store.callable_rows(connection, SINCE, portion))


@pytest.mark.parametrize(("portion", "stretch"), [(1, 5_000), (7, 10), (1_000, 5_000), (1_000, 1), (3, 3)])
def test_the_list_is_what_a_plain_reading_of_everything_gives(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, portion: int, stretch: int
) -> None:
    monkeypatch.setattr(call_list_store, "STRETCH", stretch)
    draw = random.Random(portion)
    ids = [f"{'abcABCäé😀'[number % 9]}{number}" for number in range(90)]
    money = [None, 0.0, 10.0, 10.0, 250.5, 1e6]
    rows = [scored(each, draw.choice(money), draw.choice([None, 0.1, 0.1, 0.7])) for each in ids]
    deeds = [deed(draw.choice(ids), SINCE + draw.choice([-2, -1, 0, 1, 40]) * DAY) for _ in range(40)]
    reports = [report(draw.choice(ids), draw.random() < 0.5, NOON + draw.randrange(3) * DAY) for _ in range(60)]
    write(engine, rows, deeds, reports)
    contacted = {each.client_id for each in deeds if each.at >= SINCE}
    told = {each.client_id: each.churned for each in sorted(reports, key=lambda each: (each.observed_at, each.churned))}
    left = [r for r in rows if r.prediction is not None and r.client_id not in contacted and not told.get(r.client_id)]
    order = sorted(left, key=lambda r: (r.money_at_risk is not None, r.money_at_risk, r.prediction, r.client_id))
    found = listed(engine, portion)
    assert len(found) > 20
    assert found == order[::-1]


def test_only_the_newest_answer_of_a_client_is_on_the_list(engine: Engine) -> None:
    early, late = scored("anna", 900.0, at=NOON - DAY), scored("anna", 100.0)
    now_held = [scored("bert", 500.0, at=NOON - DAY), scored("bert", None, None)]
    write(engine, [late, early, *now_held])
    assert listed(engine) == [late]


def test_a_list_read_in_portions_is_as_of_one_instant(engine: Engine) -> None:
    rows = [scored(f"c{number}", float(number)) for number in range(10)]
    write(engine, rows)
    with engine.connect() as connection:
        as_of_one_instant(connection)
        found = call_list_store.callable_rows(connection, SINCE, 3)
        first = list(islice(found, 3))
        again = [scored(each.client_id, 0.5, at=NOON + DAY) for each in rows]
        write(engine, again, [deed("c5", NOON)])
        assert [*first, *found] == rows[::-1]
    assert {each.client_id for each in listed(engine)} == {each.client_id for each in rows} - {"c5"}


def marks(engine: Engine) -> dict[str, datetime | None]:
    with engine.connect() as connection:
        found = select(client_latest.c.client_id, client_latest.c.contacted_at)
        return {row.client_id: row.contacted_at for row in connection.execute(found)}


@pytest.mark.parametrize("deeds_first", [True, False])
def test_clients_are_marked_with_their_newest_action_in_any_order(engine: Engine, deeds_first: bool) -> None:
    rows = [scored("anna", 4.0), scored("bert", 3.0), scored("carl", 2.0)]
    deeds = [deed("anna", NOON), deed("anna", NOON - DAY), deed("bert", NOON + DAY / 2), deed("stranger", NOON)]
    parts: list[tuple[list[LedgerRow], list[Action]]] = [([], deeds), (rows, [])]
    for some_rows, some_deeds in parts if deeds_first else parts[::-1]:
        write(engine, some_rows, some_deeds)
    write(engine, [scored("anna", 5.0, at=NOON + DAY)], [deed("anna", NOON - 2 * DAY)])
    assert marks(engine) == {"anna": NOON, "bert": NOON + DAY / 2, "carl": None}


def test_a_mark_is_enough_and_none_is_looked_up(engine: Engine) -> None:
    write(engine, [scored("marked", 4.0), scored("long ago", 3.0), scored("unmarked", 2.0), scored("free", 1.0)])
    with engine.begin() as connection:
        latest = client_latest.c
        connection.execute(update(client_latest).where(latest.client_id == "marked").values(contacted_at=SINCE))
        long_ago = update(client_latest).where(latest.client_id == "long ago")
        connection.execute(long_ago.values(contacted_at=SINCE - timedelta(microseconds=1)))
        connection.execute(insert(actions), [asdict(deed("unmarked", SINCE))])
    assert [each.client_id for each in listed(engine)] == ["long ago", "free"]


def test_the_clients_with_the_most_money_say_why_they_are_left_out(engine: Engine) -> None:
    rows = [scored(name, money) for name, money in (("a", 4.0), ("b", 3.0), ("c", 2.0), ("d", None), ("e", 1.0))]
    write(engine, rows, [deed("b", SINCE), deed("c", SINCE - DAY)], [report("c", True, NOON), report("d", False, NOON)])
    with engine.connect() as connection:
        found = call_list_store.standings(connection, SINCE, 4)
    assert [(each.client_id, each.contacted, each.churned) for each in found] == [
        ("a", False, False),
        ("b", True, False),
        ("c", False, True),
        ("e", False, False),
    ]


def test_contacts_are_actions_that_answer_a_prediction(engine: Engine) -> None:
    anna, bert = scored("anna", 4.0), scored("bert", 3.0)
    deeds = [
        deed("anna", NOON, anna.prediction_id),
        deed("anna", NOON + timedelta(hours=1), anna.prediction_id),
        deed("bert", NOON - DAY, bert.prediction_id),
        deed("bert", NOON),
        deed("carl", NOON, anna.prediction_id),
        deed("dora", NOON, new_id()),
        deed("bert", NOON + DAY, bert.prediction_id),
    ]
    write(engine, [anna, bert], deeds)
    with engine.connect() as connection:
        found = call_list_store.contacts_between(connection, NOON, NOON + DAY, 10)
        assert [(each.row, each.at, each.actor) for each in found] == [
            (anna, NOON + timedelta(hours=1), "anna"),
            (anna, NOON, "anna"),
        ]
        assert call_list_store.contacts_between(connection, NOON, NOON + DAY, 1) == found[:1]
        assert call_list_store.contacted_clients(connection, NOON, NOON + DAY) == 1
        assert call_list_store.contacted_clients(connection, NOON - DAY, NOON + DAY) == 2


def test_the_list_reads_its_index_and_not_the_ledger(engine: Engine) -> None:
    fill(engine, 10_000)
    with engine.connect() as connection:

        def portion(worth_known: bool, after: Place | None = None, last: Place | None = None) -> object:
            return call_list_store._portion(connection, SINCE, Stretch(worth_known, after, last), 50)

        asked = (
            lambda: portion(True),
            lambda: portion(True, Place(5_000.0, 0.5, "c0005000")),
            lambda: portion(True, Place(5_000.0, 0.5, "c0005000"), Place(4_000.0, 0.5, "c0004000")),
            lambda: portion(False),
            lambda: portion(False, Place(None, 0.5, "c0005000")),
            lambda: portion(False, Place(None, 0.5, "c0005000"), Place(None, 0.2, "c0004000")),
        )

        def standings() -> object:
            return call_list_store.standings(connection, SINCE, 100)

        def today() -> object:
            return call_list_store.contacts_between(connection, NOON, NOON + DAY, 100)

        for ask in asked:
            told = plan(connection, ask)
            assert "ix_client_latest_by_risk" in told
            assert "ix_actions_client_id_at" in told
            assert "ix_outcomes_of_client" in told
            assert "filesort" not in told
            assert "SCAN client_latest" not in told
            assert "SCAN model_logs" not in told
            assert rows_read(connection, ask) < 1_000
        assert "ix_client_latest_by_risk" in plan(connection, standings)
        assert rows_read(connection, standings) < 1_000
        assert "ix_actions_of_day" in plan(connection, today)
        assert rows_read(connection, today) < 1_000


def fill(engine: Engine, number: int) -> None:
    """So many clients, of whom every fifth has no known worth; of every tenth there is an action and an outcome."""
    whole = [scored(f"c{n:07d}", None if n % 5 == 0 else float(n), (n % 97) / 97) for n in range(number)]
    names = prediction_log.COLUMNS
    latest = ("client_id", "prediction_id", "answered_at", "prediction", "money_at_risk")
    told = [each.client_id for each in whole[::10]]
    with engine.begin() as connection:
        for start in range(0, number, 1_000):
            some = whole[start : start + 1_000]
            connection.execute(insert(model_logs), [{name: getattr(each, name) for name in names} for each in some])
            connection.execute(insert(client_latest), [{name: getattr(each, name) for name in latest} for each in some])
        connection.execute(insert(actions), [asdict(deed(each, NOON - DAY)) for each in told])
        connection.execute(insert(outcomes), [asdict(report(each, True, NOON)) for each in told])
    with engine.begin() as connection:
        settle(connection, "model_logs", "client_latest", "actions", "outcomes")
