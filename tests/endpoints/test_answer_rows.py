"""Answers as rows: nothing unknown looks like nothing, and bars are to scale."""

import pytest

from endpoints.answer_rows import ORDERS, order_named, rows
from tests.support.answers import answer


def row(**changes: object):  # type: ignore[no-untyped-def]
    return rows([answer(**changes)], order_named("entered"))[0]  # type: ignore[arg-type]


def test_a_scored_client() -> None:
    found = row()
    assert (found.kind, found.percent, found.high) == ("scored", "63.1%", True)
    assert (found.money, found.ltv) == (896.62, 1420.5)
    assert (found.arm, found.model, found.seen_words) == ("Champion", "Additive 1", "Seen 3 times before")
    assert found.reasons[0].text == "Contract is Month-to-month"


def test_an_unknown_lifetime_value_stays_unknown() -> None:
    found = row(ltv=None)
    assert found.ltv is None
    assert found.money is None


def test_a_held_out_client_shows_no_score_and_no_model() -> None:
    found = row(prediction=None)
    assert (found.kind, found.probability, found.percent, found.high) == ("held", None, "", False)
    assert found.model == ""
    assert found.money is None


def test_warnings_are_shown_in_their_words() -> None:
    warning = {"code": "unknown_category", "field": "Contract", "value": "?", "message": "Contract is odd"}
    assert row(warnings=[warning]).cautions == ("Contract is odd",)


def test_bars_are_to_one_scale_over_the_whole_table() -> None:
    effects = [[1.0, -0.5], [0.25]]
    many = [
        answer(str(i), reasons=[{"feature": "a", "value": 1, "effect": e} for e in each])
        for i, each in enumerate(effects)
    ]
    found = [reason for each in rows(many, order_named("entered")) for reason in each.reasons]
    assert [(r.start, r.width, r.raises) for r in found] == [(50, 50, True), (25, 25, False), (50, 12.5, True)]


def test_one_tiny_effect_does_not_fill_its_bar() -> None:
    assert row(reasons=[{"feature": "a", "value": 1, "effect": 0.05}]).reasons[0].width == 5


@pytest.mark.parametrize(
    ("order", "ids"),
    [
        ("money", ["rich", "sure", "held", "unknown"]),
        ("probability", ["sure", "unknown", "rich", "held"]),
        ("ltv", ["rich", "held", "sure", "unknown"]),
        ("entered", ["held", "unknown", "sure", "rich"]),
    ],
)
def test_rows_are_ordered_and_the_unknown_comes_last(order: str, ids: list[str]) -> None:
    answers = [
        answer("held", None, ltv=500.0),
        answer("unknown", 0.8, ltv=None),
        answer("sure", 0.9, ltv=100.0),
        answer("rich", 0.3, ltv=9000.0),
    ]
    assert [found.client_id for found in rows(answers, order_named(order))] == ids


def test_an_order_that_does_not_exist_is_the_first() -> None:
    assert order_named("'; drop table") is ORDERS[0]
