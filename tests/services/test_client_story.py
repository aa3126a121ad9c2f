"""A client's story: what changed, which report counts, and never a score of the holdout."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from data import action_store, feature_store, outcome_store, prediction_log
from data.action_store import Action
from data.feature_store import Customer
from data.outcome_store import Outcome
from data.prediction_log import LedgerRow
from helpers.ids import new_id
from modeling.registry import ModelRegistry
from services.call_list import held_out
from services.client_story import MOST_SCORES, changes, reports, stays, story
from services.client_story_parts import Change, Stay, Story
from tests.support.clock import StandingClock
from tests.support.customers import customer_fields
from tests.support.ledger import NOON
from tests.support.ledger import row as any_row
from tests.support.loops import snapshot
from tests.support.models import Trained
from tests.support.plans import plan, rows_read

DAY = timedelta(days=1)


def row(client_id: str = "anna", **changes: Any) -> LedgerRow:
    return any_row(client_id, **{"output": {}, **changes})


def write(engine: Engine, *items: LedgerRow | Action | Outcome) -> None:
    with engine.begin() as connection:
        prediction_log.append_many(connection, [each for each in items if isinstance(each, LedgerRow)])
        action_store.add_many(connection, [each for each in items if isinstance(each, Action)])
        outcome_store.add_many(connection, [each for each in items if isinstance(each, Outcome)])


def told(engine: Engine, trained: Trained, client_id: str = "anna", **config: Any) -> Story:
    registry = ModelRegistry(trained.models_dir)
    return story(engine, StandingClock(NOON + DAY), registry, snapshot(trained, **config), client_id)


def deed(days: float, client_id: str = "anna") -> Action:
    return Action(new_id(), client_id, "call", NOON + days * DAY, "bert", None, NOON)


def report(churned: bool, days: float = 0, told_days: float = 1) -> Outcome:
    return Outcome(new_id(), "anna", None, churned, NOON + days * DAY, NOON + told_days * DAY, "api")


def test_it_tells_all_that_is_known_of_the_client_and_nothing_of_others(engine: Engine, trained: Trained) -> None:
    given = {"model": "additive", "model_version": "1", "input": customer_fields(trained.schema, 1)}
    old, new = row("anna", **given), row("anna", answered_at=NOON + DAY / 2, **given)
    write(engine, new, old, deed(0), report(False))
    write(engine, row("bert"), row("Anna"), row("anna "), deed(0, "bert"))
    found = told(engine, trained)
    assert list(found.rows) == [new, old]
    assert len(found.actions) == len(found.reports) == 1
    assert found.reasons.found
    assert (found.known, found.held, found.customer) == (True, False, False)


def test_of_an_unknown_client_nothing_is_known(engine: Engine, trained: Trained) -> None:
    found = told(engine, trained, "nobody" * 500)
    assert (found.known, found.standing, list(found.rows)) == (False, "unscored", [])


def test_a_customer_who_was_never_scored_is_known(engine: Engine, trained: Trained) -> None:
    with engine.begin() as connection:
        feature_store.replace_customers(connection, [Customer("anna", {}, None, NOON)])
    found = told(engine, trained)
    assert (found.known, found.customer, found.standing) == (True, True, "unscored")


@pytest.mark.parametrize("now", ["drawn", "answered"])
def test_the_holdout_shows_no_score_not_even_an_old_one(engine: Engine, trained: Trained, now: str) -> None:
    """Neither to a client who is drawn now, nor to one whose newest answer was held back."""
    config = {"holdout_percentage": 50.0} if now == "drawn" else {}
    found = snapshot(trained, **config)
    name = next(f"c{n}" for n in range(99) if held_out(found, f"c{n}") is (now == "drawn"))
    held = row(name, prediction=None, high_risk=None, money_at_risk=None, arm="holdout", answered_at=NOON + DAY)
    write(engine, row(name), *([held] if now == "answered" else []))
    seen = told(engine, trained, name, **config)
    assert (seen.held, seen.standing) == (True, "held")
    assert all(
        (each.prediction, each.high_risk, each.money_at_risk, each.silent_scores, each.output)
        == (None, None, None, {}, {})
        for each in seen.rows
    )
    assert (seen.reasons.found, seen.suggestion.id) == ((), None)


def test_a_client_who_left_the_holdout_shows_what_was_answered_openly(engine: Engine, trained: Trained) -> None:
    held = row("anna", prediction=None, high_risk=None, money_at_risk=None, arm="holdout")
    write(engine, held, row("anna", answered_at=NOON + DAY))
    assert [each.prediction for each in told(engine, trained).rows] == [0.6312, None]


def test_what_changed_is_what_differs_between_the_two_newest_answers() -> None:
    before = row(input={"contract": "Monthly", "tenure": 3.0, "region": None, "old": 1})
    after = row(input={"contract": "Yearly", "tenure": 3, "region": "North", "new": 2})
    assert changes(before, after) == [
        Change("contract", "Monthly", "Yearly"),
        Change("region", None, "North"),
        Change("new", None, 2),
        Change("old", 1, None),
    ]
    assert changes(before, before) == []


def test_the_arms_are_told_in_turns() -> None:
    at = [NOON + number * DAY for number in range(5)]
    met = [("champion", "a"), ("champion", "a"), ("challenger", "a"), ("champion", None), ("champion", "a")]
    rows = [row(arm=arm, experiment=name, answered_at=when) for (arm, name), when in zip(met, at, strict=True)]
    assert stays(rows[::-1]) == [
        Stay("a", "champion", at[4], at[4], 1),
        Stay(None, "champion", at[3], at[3], 1),
        Stay("a", "challenger", at[2], at[2], 1),
        Stay("a", "champion", at[0], at[1], 2),
    ]


@pytest.mark.parametrize(
    ("given", "counting"),
    [
        ([report(False, 0), report(True, 1)], 1),
        ([report(True, 0), report(False, 1)], 1),
        ([report(False, 0, 5), report(True, 0, 1)], 1),
        ([report(True, 0, 1), report(False, 0, 5)], 0),
    ],
)
def test_one_report_counts_whatever_the_order_of_arrival(
    engine: Engine, trained: Trained, given: list[Outcome], counting: int
) -> None:
    for order in (given, given[::-1]):
        found = [each.outcome for each in reports(order) if each.counts]
        assert found == [given[counting]]
    write(engine, *given)
    assert told(engine, trained).churned is given[counting].churned


def test_the_contacted_rest_until_their_days_are_over(engine: Engine, trained: Trained) -> None:
    write(engine, row("anna"), deed(-3), deed(0))
    assert told(engine, trained).rests_until == NOON + 30 * DAY
    assert told(engine, trained).standing == "resting"
    assert told(engine, trained, contact_rest_days=1).rests_until is None
    assert told(engine, trained, contact_rest_days=1).standing == "callable"


def test_who_was_contacted_today_rests_until_tomorrow_at_least(engine: Engine, trained: Trained) -> None:
    write(engine, row("anna"), deed(1))
    tomorrow = (NOON + 2 * DAY).replace(hour=0, minute=0, second=0, microsecond=0)
    assert told(engine, trained, contact_rest_days=0).rests_until == tomorrow


def test_only_the_newest_answers_are_read_and_by_their_index(engine: Engine, trained: Trained) -> None:
    rows = [row(f"c{n % 7}", answered_at=NOON + timedelta(seconds=n)) for n in range(4_000)]
    write(engine, *rows)
    found = told(engine, trained, "c3")
    own = [each for each in rows if each.client_id == "c3"][::-1]
    assert list(found.rows) == own[:MOST_SCORES]
    with engine.connect() as connection:

        def newest() -> object:
            return prediction_log.latest(connection, "c3", MOST_SCORES)

        assert "ix_model_logs_client_id_answered_at" in plan(connection, newest)
        assert rows_read(connection, newest) < 2 * MOST_SCORES


def test_a_changed_model_explains_its_own_answer(engine: Engine, trained: Trained) -> None:
    fields = customer_fields(trained.schema, 1)
    one = row("anna", model="heuristic", model_version="1", input=fields)
    write(engine, one, replace(one, prediction_id=new_id(), model="gone", answered_at=NOON - DAY))
    assert told(engine, trained).reasons.found
