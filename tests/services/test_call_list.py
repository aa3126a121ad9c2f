"""Today's call list: nobody of the holdout, nobody twice, never more than the day can take."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from data import action_store, outcome_store, prediction_log, suggestion_store
from data.action_store import Action
from data.outcome_store import Outcome
from data.prediction_log import LedgerRow
from data.suggestion_store import Suggestion
from helpers.errors import UserError
from helpers.ids import new_id
from modeling.registry import ModelRegistry
from services import call_list, contacts
from services.call_list import Day, Entry, LeftOut, held_out
from services.holdout_effect import Effect
from services.snapshot import Snapshot
from tests.support.clock import StandingClock
from tests.support.customers import customer_fields
from tests.support.ledger import row
from tests.support.loops import snapshot
from tests.support.models import Trained

MORNING = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)


class Loop:
    """The list under one configuration, on a clock that stands still at nine in the morning."""

    def __init__(self, engine: Engine, trained: Trained, **config: Any) -> None:
        self.engine = engine
        self.clock = StandingClock(MORNING)
        self.trained = trained
        self.registry = ModelRegistry(trained.models_dir)
        self.effect = Effect(None, "")
        self.snapshot: Snapshot = snapshot(trained, **{"call_list_capacity": 5, **config})

    def score(self, client_id: str, money: float | None, days: float = 1, **changes: Any) -> LedgerRow:
        given = {"model": "additive", "model_version": "1", "input": customer_fields(self.trained.schema, 1)}
        at = MORNING - days * DAY
        one = row(client_id, money_at_risk=money, answered_at=at, **{**given, "output": {}, **changes})
        with self.engine.begin() as connection:
            prediction_log.append_many(connection, [one])
        return one

    def act(self, client_id: str, days: float, prediction_id: str | None = None) -> None:
        at = MORNING - days * DAY
        with self.engine.begin() as connection:
            action_store.add_many(connection, [Action(new_id(), client_id, "call", at, "crm", prediction_id, at)])

    def leave(self, client_id: str) -> None:
        with self.engine.begin() as connection:
            outcome_store.add_many(connection, [Outcome(new_id(), client_id, None, True, MORNING, MORNING, "api")])

    def today(self) -> Day:
        return call_list.today(self.engine, self.clock, self.snapshot)

    def left_out(self) -> LeftOut:
        return call_list.left_out(self.engine, self.snapshot, self.today())

    def entries(self, limit: int | None = None) -> list[Entry]:
        day = self.today()
        return list(call_list.entries(self.engine, self.registry, self.snapshot, self.effect, day, limit or day.left))

    def ids(self) -> list[str]:
        return [entry.row.client_id for entry in self.entries()]

    def mark(self, one: LedgerRow, actor: str = "anna") -> Any:
        return contacts.mark(self.engine, self.clock, self.registry, self.snapshot, actor, one.prediction_id)

    def actions(self, client_id: str) -> list[Action]:
        with self.engine.connect() as connection:
            return action_store.of_client(connection, client_id, 100)


@pytest.fixture
def loop(engine: Engine, trained: Trained) -> Loop:
    return Loop(engine, trained)


def test_the_list_is_cut_to_the_calls_that_the_day_still_has(loop: Loop) -> None:
    rows = [loop.score(f"c{number}", float(number)) for number in range(9)]
    assert loop.ids() == ["c8", "c7", "c6", "c5", "c4"]
    loop.mark(rows[8])
    loop.mark(rows[6])
    assert loop.ids() == ["c7", "c5", "c4"]
    assert (loop.today().called, loop.today().left) == (2, 3)
    for number in (7, 5, 4, 3):
        loop.mark(rows[number])
    assert (loop.today().called, loop.today().left, loop.ids()) == (6, 0, [])
    loop.clock.move(DAY)
    assert (loop.today().called, loop.ids()) == (0, ["c2", "c1", "c0"])


def test_an_entry_says_why_and_what_to_do(loop: Loop) -> None:
    loop.score("anna", 10.0)
    (entry,) = loop.entries()
    raising = next(each for each in entry.reasons.found if each["effect"] > 0)
    assert len(entry.reasons.found) == len(loop.snapshot.serving.schema.names)
    assert entry.suggestion.id is None
    with loop.engine.begin() as connection:
        suggestion_store.put(connection, Suggestion(None, raising["feature"], None, "offer", "Offer."))
    (entry,) = loop.entries()
    assert (entry.suggestion.kind, entry.suggestion.advice) == ("offer", "Offer.")


def test_an_expected_saving_is_the_part_of_the_money_that_the_holdout_shows(loop: Loop) -> None:
    loop.score("anna", 10.0)
    loop.score("bert", None)
    assert [each.expected_saving for each in loop.entries()] == [None, None]
    loop.effect = Effect(0.1234, "")
    assert [each.expected_saving for each in loop.entries()] == [1.23, None]


def test_the_holdout_is_never_on_the_list(engine: Engine, trained: Trained) -> None:
    loop = Loop(engine, trained, holdout_percentage=30, call_list_capacity=100)
    ids = [f"c{number}" for number in range(40)]
    for number, client_id in enumerate(ids):
        loop.score(client_id, float(number))  # before the holdout was drawn, so with a score
    loop.score("held", None, prediction=None, arm="holdout")
    held = {each for each in ids if held_out(loop.snapshot, each)}
    assert 3 < len(held) < 25
    assert set(loop.ids()) == set(ids) - held
    assert loop.left_out().holdout == len(held)


def test_holdout_rows_at_the_top_do_not_shorten_the_list(engine: Engine, trained: Trained) -> None:
    loop = Loop(engine, trained, holdout_percentage=50, call_list_capacity=4)
    for number in range(60):
        loop.score(f"c{number}", float(number))
    assert len(loop.ids()) == 4


def test_the_contacted_rest_and_come_back(loop: Loop) -> None:
    for name, days in (("lately", 29.9), ("long-ago", 30.1), ("tomorrow", -1)):
        loop.score(name, 10.0)
        loop.act(name, days)
    assert loop.ids() == ["long-ago"]
    assert loop.left_out() == LeftOut(3, 2, 0, 0)


def test_without_a_rest_a_client_is_called_once_a_day_all_the_same(engine: Engine, trained: Trained) -> None:
    loop = Loop(engine, trained, contact_rest_days=0)
    one = loop.score("anna", 10.0)
    loop.mark(one)
    assert loop.ids() == []
    loop.clock.move(DAY)
    assert loop.ids() == ["anna"]


def test_who_left_is_not_called(loop: Loop) -> None:
    loop.score("gone", 10.0)
    loop.leave("gone")
    loop.score("unknown-worth", None)
    assert loop.ids() == ["unknown-worth"]
    assert loop.left_out().churned == 1


def test_who_is_left_out_counts_once(engine: Engine, trained: Trained) -> None:
    loop = Loop(engine, trained, holdout_percentage=50)
    held = next(f"c{n}" for n in range(99) if held_out(loop.snapshot, f"c{n}"))
    free = next(f"c{n}" for n in range(99) if not held_out(loop.snapshot, f"c{n}"))
    for name in (held, free):
        loop.score(name, 10.0)
        loop.act(name, 1)
        loop.leave(name)
    assert loop.left_out() == LeftOut(2, 0, 1, 1)


def test_marking_is_an_action_of_the_suggested_kind(loop: Loop) -> None:
    with loop.engine.begin() as connection:
        suggestion_store.put(connection, Suggestion(None, None, None, "voucher", "Send one."))
    one = loop.score("anna", 10.0)
    found = loop.mark(one)
    assert (found.kind, found.actor, found.at, found.row) == ("voucher", "anna", MORNING, one)
    (kept,) = loop.actions("anna")
    assert (kept.kind, kept.actor, kept.at, kept.prediction_id) == ("voucher", "anna", MORNING, one.prediction_id)


def test_marking_again_changes_nothing_that_day(loop: Loop) -> None:
    one = loop.score("anna", 10.0)
    first = loop.mark(one)
    loop.clock.move(timedelta(hours=2))
    assert loop.mark(one, "bert") == first
    assert len(loop.actions("anna")) == 1
    assert loop.today().called == 1
    assert [each.actor for each in call_list.called(loop.engine, loop.today(), 10)] == ["anna"]


def test_a_client_who_was_not_scored_anew_can_be_marked_again_after_the_rest(loop: Loop) -> None:
    one = loop.score("anna", 10.0)
    loop.mark(one)
    loop.clock.move(31 * DAY)
    assert loop.ids() == ["anna"]
    loop.mark(one)
    assert len(loop.actions("anna")) == 2


def test_the_called_show_once_the_latest_first(loop: Loop) -> None:
    anna, bert = loop.score("anna", 10.0), loop.score("bert", 10.0)
    for hours, one in ((3, anna), (2, bert), (1, anna)):
        loop.act(one.client_id, hours / 24, one.prediction_id)
    loop.act("crm-only", 0)
    loop.act(bert.client_id, -0.7, bert.prediction_id)
    found = call_list.called(loop.engine, loop.today(), 10)
    assert [(each.row.client_id, each.at) for each in found] == [
        ("anna", MORNING - timedelta(hours=1)),
        ("bert", MORNING - timedelta(hours=2)),
    ]


def test_a_call_dated_tomorrow_takes_nothing_from_today(loop: Loop) -> None:
    one = loop.score("anna", 10.0)
    loop.act("anna", -0.7, one.prediction_id)
    assert (loop.today().called, call_list.called(loop.engine, loop.today(), 10)) == (0, [])
    loop.clock.move(DAY)
    assert loop.today().called == 1


def test_nobody_of_the_holdout_is_marked(engine: Engine, trained: Trained) -> None:
    loop = Loop(engine, trained, holdout_percentage=50)
    drawn = next(f"c{n}" for n in range(99) if held_out(loop.snapshot, f"c{n}"))
    for one in (loop.score(drawn, 10.0), loop.score("held", None, prediction=None, arm="holdout")):
        with pytest.raises(UserError, match="holdout"):
            loop.mark(one)
        assert loop.actions(one.client_id) == []


@pytest.mark.parametrize("prediction_id", ["", "unknown", "x" * 5_000, "'; drop table actions; --"])
def test_an_unknown_answer_is_not_marked(loop: Loop, prediction_id: str) -> None:
    with pytest.raises(UserError, match="ledger"):
        contacts.mark(loop.engine, loop.clock, loop.registry, loop.snapshot, "anna", prediction_id)
