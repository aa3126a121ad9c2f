"""The advice for a client: of the reason that weighs most, written by the team, and nobody else's."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine

from data import audit_log
from data.suggestion_store import Suggestion
from modeling.schema import Feature, TableSchema
from services import suggestions
from services.suggestion_rules import SuggestionRefused, spelled
from services.suggestions import BUILT_IN, suggest
from tests.support.clock import StandingClock

SCHEMA = TableSchema(
    table="t",
    id="id",
    target="churned",
    positive="Yes",
    features=(
        Feature("Contract", "category", categories=("Monthly", "Yearly")),
        Feature("Tenure", "number"),
        Feature("Paperless", "boolean", nullable=True),
        Feature("n" * 101, "number"),
    ),
)


def advice(
    feature: str | None = None,
    value: str | None = None,
    kind: str = "call",
    text: str = "Call.",
    its_id: int | None = None,
) -> Suggestion:
    return Suggestion(its_id, feature, value, kind, text)


def reason(feature: str, value: Any, effect: float) -> dict[str, Any]:
    return {"feature": feature, "value": value, "effect": effect}


def save(engine: Engine, row: Suggestion) -> Suggestion:
    return suggestions.save(engine, StandingClock(), SCHEMA, "anna", row)


MONTHLY = advice("Contract", "Monthly", "offer")
CONTRACT = advice("Contract", kind="ask")
TENURE = advice("Tenure", kind="thank")
NEW = advice("Tenure", "3", "welcome")
REST = advice(kind="letter")
TABLE = [CONTRACT, MONTHLY, TENURE, NEW, REST]


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        ([reason("Contract", "Monthly", 0.9), reason("Tenure", 3.0, 0.8)], MONTHLY),
        ([reason("Contract", "Yearly", 0.9), reason("Tenure", 3.0, 0.8)], CONTRACT),
        ([reason("Contract", "Monthly", -2.0), reason("Tenure", 3, 0.1)], NEW),
        ([reason("Age", 40, 3.0), reason("Tenure", 3.5, 0.1)], TENURE),
        ([reason("Tenure", None, 0.1)], TENURE),
        ([reason("Age", 40, 3.0)], REST),
        ([reason("Contract", "Monthly", 0.0)], REST),
        ([], REST),
    ],
)
def test_the_strongest_reason_that_raises_the_risk_and_has_a_row_decides(
    reasons: list[dict[str, Any]], expected: Suggestion
) -> None:
    assert suggest(TABLE, reasons) is expected


def test_without_a_row_for_everybody_else_a_sentence_is_built_in() -> None:
    assert suggest([MONTHLY], [reason("Tenure", 3, 1.0)]) is BUILT_IN
    assert suggest([], []) is BUILT_IN


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        (False, "no"),
        (3, "3"),
        (3.0, "3"),
        (0.1, "0.1"),
        (-16.5, "-16.5"),
        (" a b ", "a b"),
        (None, None),
    ],
)
def test_values_are_spelled_in_one_way(value: Any, text: str | None) -> None:
    assert spelled(value) == text


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (advice("Contract", " Monthly "), "Monthly"),
        (advice("Tenure", "3.0"), "3"),
        (advice("Tenure", "1e2"), "100"),
        (advice("Paperless", "True"), "yes"),
        (advice("Paperless", "no"), "no"),
        (advice("Contract", ""), None),
    ],
)
def test_a_value_is_kept_as_reasons_spell_it(engine: Engine, given: Suggestion, kept: str | None) -> None:
    assert save(engine, given).value == kept


@pytest.mark.parametrize(
    ("row", "fields"),
    [
        (advice("Colour"), {"feature"}),
        (advice("n" * 101), {"feature"}),
        (advice(None, "Monthly"), {"value"}),
        (advice("Tenure", "three"), {"value"}),
        (advice("Tenure", "nan"), {"value"}),
        (advice("Paperless", "perhaps"), {"value"}),
        (advice("Contract", "x" * 191), {"value"}),
        (advice("Contract", "a\x00b"), {"value"}),
        (advice(kind="Call them"), {"kind"}),
        (advice(kind="k" * 41), {"kind"}),
        (advice(text=" \n "), {"advice"}),
        (advice(text="x" * 501), {"advice"}),
        (advice("Colour", kind="", text=""), {"feature", "kind", "advice"}),
    ],
)
def test_what_is_wrong_is_told_by_field_and_nothing_is_kept(engine: Engine, row: Suggestion, fields: set[str]) -> None:
    with pytest.raises(SuggestionRefused) as caught:
        save(engine, row)
    assert set(caught.value.problems) == fields
    assert suggestions.listed(engine) == []


def test_breaks_and_blanks_in_advice_are_one_space(engine: Engine) -> None:
    assert save(engine, advice(text="  Call\r\n them  today ")).advice == "Call them today"


def test_there_is_one_suggestion_for_each_reason_and_value(engine: Engine) -> None:
    first = save(engine, CONTRACT)
    save(engine, MONTHLY)
    rest = save(engine, REST)
    for twin in (CONTRACT, MONTHLY, REST):
        with pytest.raises(SuggestionRefused, match="already"):
            save(engine, twin)
    assert save(engine, advice("Contract", kind="offer", its_id=first.id)).id == first.id
    with pytest.raises(SuggestionRefused, match="already"):
        save(engine, advice("Contract", its_id=rest.id))


def test_two_who_add_the_same_at_once_add_one(engine: Engine) -> None:
    def add(_number: int) -> bool:
        try:
            return bool(save(engine, CONTRACT))
        except SuggestionRefused:
            return False

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(add, range(8))) == 1
    assert len(suggestions.listed(engine)) == 1


def test_every_change_is_written_down(engine: Engine) -> None:
    kept = save(engine, MONTHLY)
    save(engine, advice("Contract", "Yearly", its_id=kept.id))
    suggestions.delete(engine, StandingClock(), "bert", kept.id or 0)
    with engine.connect() as connection:
        entries = audit_log.list_entries(connection, subject=f"suggestion {kept.id}")
    assert [(each.actor, each.action, each.details["value"]) for each in entries] == [
        ("bert", "suggestion_deleted", "Yearly"),
        ("anna", "suggestion_changed", "Yearly"),
        ("anna", "suggestion_added", "Monthly"),
    ]


def test_what_was_deleted_meanwhile_is_neither_changed_nor_deleted(engine: Engine) -> None:
    with pytest.raises(SuggestionRefused, match="deleted meanwhile"):
        save(engine, advice(its_id=7))
    with pytest.raises(SuggestionRefused, match="deleted meanwhile"):
        suggestions.delete(engine, StandingClock(), "anna", 7)
    with engine.connect() as connection:
        assert audit_log.list_entries(connection) == []
