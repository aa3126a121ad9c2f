"""Intervals stand where their numbers say, on a scale that all rows share."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endpoints.interval_marks import APART, EDGE, Scale, scale_around, scale_from_zero, tone_of

VALUES = st.floats(-1e9, 1e9, allow_nan=False)


@given(st.lists(VALUES, max_size=8))
def test_every_value_is_on_the_line_and_zero_in_its_middle(values: list[float]) -> None:
    scale = scale_around(values, 0.01)
    assert scale.place(0) == 50
    assert all(EDGE - 0.01 <= scale.place(value) <= 100 - EDGE + 0.01 for value in values)


@given(st.lists(VALUES, max_size=8))
def test_a_scale_from_zero_holds_zero_and_every_value(values: list[float]) -> None:
    scale = scale_from_zero(values, 10)
    assert scale.low <= 0 < scale.high
    assert all(EDGE - 0.01 <= scale.place(value) <= 100 - EDGE + 0.01 for value in values)
    places = sorted(label.place for label in scale.labels(str))
    assert all(later - earlier >= APART for earlier, later in pairwise(places))


@pytest.mark.parametrize(("value", "end"), [(0.031, 0.04), (0.12, 0.12), (9_700, 10_000), (12_700, 15_000), (1, 1)])
def test_a_scale_ends_at_a_round_number(value: float, end: float) -> None:
    assert scale_from_zero([value], 1e-9).high == pytest.approx(end)


def test_next_to_nothing_looks_like_it() -> None:
    mark = scale_around([-0.0001, 0.0001], 0.01).mark(-0.0001, 0, 0.0001, "undecided", "")
    assert mark.end - mark.start < 1


def test_a_mark_keeps_the_order_of_its_numbers() -> None:
    mark = Scale(-10, 30).mark(-5, 10, 30, "undecided", "words")
    assert mark.start < mark.zero < mark.point < mark.end == 100 - EDGE


def test_labels_too_near_to_zero_are_left_out() -> None:
    assert [label.text for label in Scale(-10, 100).labels(lambda value: f"{value:g}")] == ["0", "100"]
    assert [label.text for label in Scale(-100, 100).labels(lambda value: f"{value:g}")] == ["0", "-100", "100"]
    assert [label.text for label in Scale(-100, 10).labels(lambda value: f"{value:g}")] == ["0", "-100"]


def test_an_amount_is_good_only_when_all_of_it_is() -> None:
    assert [tone_of(1, 9), tone_of(-9, -1), tone_of(-1, 9), tone_of(0, 9)] == [
        "better",
        "worse",
        "undecided",
        "undecided",
    ]
