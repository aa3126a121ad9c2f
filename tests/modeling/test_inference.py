"""What kind of column text stands for."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from modeling.columns import Column
from modeling.inference import infer, infer_all


def column(cells: Sequence[object]) -> Column:
    found = infer("c", pa.chunked_array([pa.array(cells)]))
    assert found is not None
    return found


def test_numbers_kept_as_text_with_blanks() -> None:
    total = column(["29.85", " ", "1889.5", "", "n/a"])
    assert (total.kind, total.integer) == ("number", False)
    assert total.values() == [29.85, None, 1889.5, None, None]
    assert "a blank in 2 rows is a gap" in total.note


def test_whole_numbers_stay_whole() -> None:
    assert column(["1", "0", "12"]).values() == [1, 0, 12]
    assert all(isinstance(value, int) for value in column(["1.0", "2.0"]).values())


def test_a_slip_among_many_numbers_is_a_gap_and_said() -> None:
    slipped = column([str(number) for number in range(200)] + ["1O7"])
    assert slipped.kind == "number"
    assert slipped.values()[-1] is None
    assert "'1O7' in 1 rows is a gap" in slipped.note


def test_a_word_among_few_numbers_makes_categories() -> None:
    assert column(["1", "2", "3 or more"] * 40).kind == "category"


def test_codes_with_leading_zeros_are_categories() -> None:
    assert column(["00123", "04567"] * 10).kind == "category"


@pytest.mark.parametrize("spelling", [("true", "false"), ("TRUE", "FALSE"), ("True", "False")])
def test_true_and_false(spelling: tuple[str, str]) -> None:
    yes, no = spelling
    flag = column([yes, no, "", yes])
    assert flag.kind == "boolean"
    assert flag.values() == [True, False, None, True]


def test_yes_and_no_stay_the_words_that_requests_will_hold() -> None:
    assert column(["Yes", "No", "Yes"]).values() == ["Yes", "No", "Yes"]


def test_spellings_that_differ_in_case_and_space_are_one_category() -> None:
    merged = column(["DSL", "dsl", " DSL ", "Fiber  optic", "Fiber optic", "Fiber optic"])
    assert merged.values() == ["DSL", "DSL", "DSL", "Fiber optic", "Fiber optic", "Fiber optic"]
    assert "'dsl' = 'DSL'" in merged.note


def test_gaps_among_categories_are_those_that_programs_write() -> None:
    assert column(["a", "", "NULL", "NaN", "None", "NA", None]).values() == ["a", None, None, None, "None", "NA", None]


def test_dates_in_text() -> None:
    dates = column(["31/12/2024", "01/02/2025", "", "31/12/9999"])
    assert dates.kind == "date"
    assert dates.values() == ["2024-12-31", "2025-02-01", None, None]
    assert "day/month/year" in dates.note


def test_signs_around_numbers_are_left_out_and_said() -> None:
    assert column(["€ 1,234.50", "€ 12.00"]).values() == [1234.5, 12.0]
    share = column(["12 %", "50 %"])
    assert share.values() == [12, 50]
    assert "% left out" in share.note


def test_infinite_and_absurd_numbers_are_gaps() -> None:
    numbers = column([1.5, float("inf"), 1e300, float("nan"), None])
    assert numbers.values() == [1.5, None, None, None, None]
    assert "2 numbers beyond 1e+30 are gaps" in numbers.note


def test_control_characters_in_categories_become_spaces() -> None:
    assert column(["a\nb", "a\x00b", "a\tb"]).values() == ["a b"] * 3


def test_dates_of_every_arrow_type_agree() -> None:
    days = pa.array([19_000, None], pa.date32())
    for kind in (pa.date32(), pa.date64(), pa.timestamp("s"), pa.timestamp("ns"), pa.timestamp("ms", "UTC")):
        assert column(days.cast(kind)).values() == ["2022-01-08", None]


def test_what_no_model_reads_is_named() -> None:
    table = pa.table({"a": [1, 2], "b": [[1], [2]], "c": [{"x": 1}, None], "d": [b"x", b"y"]})
    columns, unreadable = infer_all(table)
    assert list(columns) == ["a"]
    assert unreadable == ["b", "c", "d"]


def test_an_empty_column_is_all_gaps() -> None:
    assert column([None, None]).gaps.all()
    assert np.isnan(column(["", " "]).cells).all()
