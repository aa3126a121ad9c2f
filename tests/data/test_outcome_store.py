"""What became of clients is kept as it was told, once, and waits for predictions that are still on their way."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import StatementError

from data import outcome_store, prediction_log
from data.outcome_store import Arrived, Outcome, outcome_id
from data.tables import audit_log, outcomes
from helpers.ids import new_id
from tests.support.ledger import NOON, row


def outcome(
    client_id: str | None = "anna", prediction_id: str | None = None, *, churned: bool = True, **changes: Any
) -> Outcome:
    observed_at = changes.pop("observed_at", NOON)
    identity = outcome_id(client_id, prediction_id, churned, observed_at)
    return Outcome(identity, client_id, prediction_id, churned, observed_at, changes.pop("recorded_at", NOON), "test")


def waiting(prediction_id: str, named: str | None = None) -> Outcome:
    """A report on a prediction that the ledger lacks; it may have named a client."""
    return replace(outcome(named, prediction_id), client_id=None)


def add(engine: Engine, *rows: Outcome) -> set[str]:
    with engine.begin() as connection:
        return outcome_store.add_many(connection, rows)


def of(engine: Engine, client_id: str, limit: int = 100) -> list[Outcome]:
    with engine.connect() as connection:
        return outcome_store.of_client(connection, client_id, limit)


def test_what_was_told_comes_back_newest_first(engine: Engine) -> None:
    told = [outcome(churned=day % 2 == 0, observed_at=NOON + timedelta(days=day)) for day in range(5)]
    assert add(engine, *random.sample(told, 5)) == {each.outcome_id for each in told}
    add(engine, outcome("bert"))
    assert of(engine, "anna") == told[::-1]
    assert of(engine, "anna", 2) == told[:2:-1]
    assert of(engine, "nobody") == []


def test_told_again_it_changes_nothing(engine: Engine) -> None:
    first, second = outcome(), outcome(churned=False)
    assert add(engine, first, replace(first, source="again")) == {first.outcome_id}
    again = replace(first, recorded_at=NOON + timedelta(1), source="again")
    assert add(engine, again, second) == {second.outcome_id}
    assert {each.source for each in of(engine, "anna")} == {"test"}
    assert len(of(engine, "anna")) == 2


def test_the_identity_is_what_is_told_whatever_the_zone_it_is_told_in() -> None:
    east = timezone(timedelta(hours=9))
    assert outcome_id("a", None, True, NOON) == outcome_id("a", None, True, NOON.astimezone(east))
    told = [("a", None, True, NOON), ("A", None, True, NOON), (None, "a", True, NOON), ("a", "b", True, NOON)]
    told += [("a", None, False, NOON), ("a", None, True, NOON + timedelta(microseconds=1)), ("b", "a", True, NOON)]
    assert len({outcome_id(*each) for each in told}) == len(told)


@pytest.mark.parametrize(
    "changes", [{"client_id": "x" * 191}, {"churned": "yes"}, {"observed_at": datetime(2026, 1, 1)}]
)
def test_both_databases_refuse_what_one_would_spoil(engine: Engine, changes: dict[str, Any]) -> None:
    with pytest.raises(StatementError):
        add(engine, replace(outcome(), **changes))


def test_a_report_gets_its_client_once_its_prediction_has_arrived(engine: Engine) -> None:
    here, away = row("anna", answered_at=datetime(2026, 1, 1, tzinfo=UTC)), new_id()
    reports = [waiting(here.prediction_id), waiting(here.prediction_id, "anna"), waiting(away), outcome("bert")]
    add(engine, *reports)
    with engine.begin() as connection:
        assert outcome_store.arrived(connection, [here.prediction_id, away]) == []
        prediction_log.append_many(connection, [here])
        found = outcome_store.arrived(connection, [away, here.prediction_id, here.prediction_id])
        assert sorted(found, key=str) == sorted((Arrived(each, "anna", True) for each in reports[:2]), key=str)
        outcome_store.settle(connection, found)
        assert outcome_store.arrived(connection, [here.prediction_id]) == []
    assert of(engine, "anna") == [replace(e, client_id="anna") for e in sorted(reports[:2], key=lambda e: e.outcome_id)]
    assert len(of(engine, "bert")) == 1


def test_a_report_that_named_another_client_than_the_prediction_is_moved_to_the_audit_log(engine: Engine) -> None:
    answered = row("anna")
    wrong = waiting(answered.prediction_id, "Anna")
    add(engine, wrong)
    with engine.begin() as connection:
        prediction_log.append_many(connection, [answered])
        found = outcome_store.arrived(connection, [answered.prediction_id])
        assert found == [Arrived(wrong, "anna", False)]
        for _ in range(2):  # as when two look at once
            outcome_store.settle(connection, found)
        assert connection.scalar(select(func.count()).select_from(outcomes)) == 0
        (noted,) = connection.execute(select(audit_log)).all()
    assert (noted.action, noted.subject, noted.actor) == ("outcome_refused", answered.prediction_id, "test")
    assert noted.details == {"outcome_id": wrong.outcome_id, "churned": True, "observed_at": NOON.isoformat()}


def test_all_that_waits_no_longer_is_found(engine: Engine) -> None:
    answered = [row(f"c{number}") for number in range(1_200)]
    add(engine, *(waiting(each.prediction_id) for each in answered), waiting(new_id()))
    with engine.begin() as connection:
        prediction_log.append_many(connection, answered[:1_100])
        found = outcome_store.all_arrived(connection)
    assert {each.client_id for each in found} == {f"c{number}" for number in range(1_100)}
