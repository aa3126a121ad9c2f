"""Text that a spreadsheet would run as a formula is made harmless; everything else stays as it is."""

from typing import Any

import pytest

from helpers.spreadsheets import harmless


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_a_formula_is_led_by_an_apostrophe(start: str) -> None:
    assert harmless(f"{start}1") == f"'{start}1"


@pytest.mark.parametrize("value", ["", "7590-VHVEG", " =1", "a=1", -0.5, -1, None, True])
def test_what_is_no_formula_stays(value: Any) -> None:
    assert harmless(value) is value
