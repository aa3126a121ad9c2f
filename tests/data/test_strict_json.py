"""JSON for columns: quick where that is the same as strict."""

import json
import math
from collections import UserString
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.columns import strict_json

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(PLAIN)
def test_what_is_written_reads_back_bit_for_bit(value: Any) -> None:
    try:
        expected = json.loads(json.dumps(value))
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        with pytest.raises(ValueError, match="surrogates"):
            strict_json(value)
        return
    assert repr(json.loads(strict_json(value))) == repr(expected)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", ["{}", "[{}]", '{{"a": [null, {{"b": {}}}]}}', "[null, [[{}]]]"])
def test_no_column_holds_what_is_no_number(number: float, place: str) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        strict_json(json.loads(place.format(json.dumps(number))))


def test_the_text_null_is_no_doubt_and_nothing_is_a_value() -> None:
    assert strict_json({"null": None, "b": ["null", 1.5]}) == '{"null":null,"b":["null",1.5]}'


def test_whole_numbers_of_any_size_are_kept() -> None:
    assert strict_json([2**64, -(2**70)]) == f"[{2**64},{-(2**70)}]"


@pytest.mark.parametrize("value", [datetime(2026, 1, 1, tzinfo=UTC), b"bytes", {1, 2}, UserString("a")])
def test_what_json_lacks_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        strict_json({"a": value})
