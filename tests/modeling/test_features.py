"""The schema of a table, its request model and its encoder, over tables that hypothesis makes up."""

import json
import math
from datetime import date
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from helpers.errors import UserError
from modeling.features import Encoder, Feature, Kind, TableSchema, input_model, input_warnings, values_of
from modeling.inputs import LARGEST

PRINTABLE = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12)
NUMBERS = st.floats(-LARGEST, LARGEST) | st.integers(-(2**53), 2**53)
KINDS = get_args(Kind)
DATES = st.dates().map(date.isoformat)


@st.composite
def features(draw: st.DrawFn, name: str) -> Feature:
    kind: Kind = draw(st.sampled_from(KINDS))
    categories = draw(st.lists(PRINTABLE, min_size=1, max_size=5, unique=True)) if kind == "category" else []
    nullable = draw(st.booleans())
    return Feature(name, kind, nullable, tuple(categories), default=categories[0] if categories else None)


@st.composite
def schemas(draw: st.DrawFn) -> TableSchema:
    names = draw(st.lists(PRINTABLE, min_size=1, max_size=6, unique=True))
    columns = tuple(draw(features(name)) for name in names)
    return TableSchema("t", "id", "churn", "yes", columns, draw(DATES), draw(st.booleans()))


def cell(feature: Feature, strict: bool) -> st.SearchStrategy[Any]:
    """Any value that a request may hold for the feature."""
    known = st.sampled_from(feature.categories or ("",))
    category = known if strict else known | PRINTABLE
    plain = {"number": NUMBERS, "boolean": st.booleans(), "date": DATES, "category": category}[feature.kind]
    return plain | st.none() if feature.nullable else plain


@st.composite
def tables(draw: st.DrawFn) -> tuple[TableSchema, list[dict[str, Any]]]:
    schema = draw(schemas())
    row = st.fixed_dictionaries({f.name: cell(f, schema.strict) for f in schema.features})
    return schema, draw(st.lists(row, min_size=1, max_size=4))


@given(schemas())
def test_a_schema_survives_json(schema: TableSchema) -> None:
    again = TableSchema.from_json(schema.to_json())
    assert again == schema
    assert again.digest() == schema.digest()
    assert hash(again) == hash(schema)


@given(tables())
def test_a_valid_row_is_accepted_and_becomes_numbers(case: tuple[TableSchema, list[dict[str, Any]]]) -> None:
    schema, rows = case
    model, encoder = input_model(schema), Encoder(schema)
    for row in rows:
        assert values_of(model.model_validate(row)) == row
        assert values_of(model.model_validate_json(json.dumps(row))) == row
        encoded = encoder.encode(row)
        assert encoded.dtype == np.float32
        gaps = [row[f.name] is None and f.kind != "category" for f in schema.features]
        assert np.isnan(encoded).tolist() == gaps
        assert np.isfinite(encoded[~np.array(gaps)]).all()


@given(tables())
def test_many_rows_encode_like_each_row(case: tuple[TableSchema, list[dict[str, Any]]]) -> None:
    schema, rows = case
    encoder = Encoder(schema)
    together = encoder.encode_many(rows)
    assert together.shape == (len(rows), len(schema.features))
    np.testing.assert_array_equal(together, np.stack([encoder.encode(row) for row in rows]))


SCHEMA = TableSchema(
    "customers", "id", "churn", "yes", reference_date="2025-06-30",
    features=(
        Feature("Monthly Charges", "number", default=70.5, description="What is paid a month"),
        Feature("größe", "number", nullable=True, default=3, integer=True),
        Feature("1st", "boolean", default=True),
        Feature("json", "category", nullable=True, categories=("DSL", "Fiber optic"), default="DSL"),
        Feature("contract", "category", categories=("One year", "Month-to-month"), default="One year"),
        Feature("since", "date", default="2025-01-01"),
    ),
)  # fmt: skip
ROW = {
    "Monthly Charges": 70.5,
    "größe": 3,
    "1st": True,
    "json": "DSL",
    "contract": "One year",
    "since": "2025-06-01",
}
CUSTOMER = input_model(SCHEMA)
ENCODER = Encoder(SCHEMA)


BROKEN: dict[str, list[Any]] = {
    "Monthly Charges": ["1", True, None, [], {}, math.nan, math.inf, -math.inf, 1e300, 10**400],
    "größe": ["", "3", False, 1e31],
    "1st": [1, 0, "true", "yes", None, 1.0],
    "contract": [None, 1, True, [], "a\x00b", "a\nb", "a\rb", "a\x85b", "\ud800", "x" * 1001],
    "since": [
        *("2025-02-30", "2025-6-1", "20250601", "01/06/2025", "2025-06-01T00:00", 1, None, ""),
        *("٢٠٢٥-٠٦-٠١", "0000-01-01", "2025-06-01\n"),
    ],
    "unheard_of": [1],
}


@pytest.mark.parametrize(("field", "bad"), [(field, bad) for field in BROKEN for bad in BROKEN[field]])
def test_a_broken_value_is_refused_with_its_field_named(field: str, bad: Any) -> None:
    with pytest.raises(ValidationError) as refusal:
        CUSTOMER.model_validate({**ROW, field: bad})
    assert [error["loc"] for error in refusal.value.errors()] == [(field,)]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 400, '"1"', "true", "null"])
def test_a_broken_number_in_json_is_refused_with_its_field_named(number: str) -> None:
    text = json.dumps(ROW).replace("70.5", number)
    with pytest.raises(ValidationError) as refusal:
        CUSTOMER.model_validate_json(text)
    assert refusal.value.errors()[0]["loc"] == ("Monthly Charges",)


@pytest.mark.parametrize("field", ["Monthly Charges", "1st", "contract", "since"])
def test_a_field_without_gaps_in_training_may_not_be_left_out(field: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        CUSTOMER.model_validate({name: value for name, value in ROW.items() if name != field})
    assert refusal.value.errors()[0]["loc"] == (field,)
    assert refusal.value.errors()[0]["type"] == "missing"


def test_a_field_with_gaps_in_training_may_be_left_out_and_says_so() -> None:
    values = values_of(CUSTOMER.model_validate({k: v for k, v in ROW.items() if k not in {"größe", "json"}}))
    warnings = input_warnings(SCHEMA, values)
    assert [(w["code"], w["field"]) for w in warnings] == [
        ("missing_value", "größe"),
        ("missing_value", "json"),
    ]
    assert ENCODER.encode(values)[3] == 3.0  # a gap among categories has a code of its own
    assert np.isnan(ENCODER.encode(values)[1])


def test_an_unknown_category_is_scored_as_other_with_a_warning() -> None:
    values = values_of(CUSTOMER.model_validate({**ROW, "contract": "Ten years"}))
    assert ENCODER.encode(values)[4] == 0.0
    (warning,) = input_warnings(SCHEMA, values)
    assert (warning["code"], warning["field"], warning["value"]) == (
        "unknown_category",
        "contract",
        "Ten years",
    )


def test_case_and_white_space_do_not_make_a_category_unknown() -> None:
    values = {**ROW, "contract": " month-TO-month "}
    assert ENCODER.encode(values)[4] == 2.0
    assert input_warnings(SCHEMA, values) == []


def test_a_blank_category_is_a_gap() -> None:
    values = {**ROW, "json": " "}
    assert ENCODER.encode(values)[3] == ENCODER.encode({**ROW, "json": None})[3]
    assert [warning["code"] for warning in input_warnings(SCHEMA, values)] == ["missing_value"]


def test_a_gap_where_training_had_none_is_other_and_never_the_first_category() -> None:
    assert ENCODER.encode({**ROW, "contract": None})[4] == 0.0


def test_a_strict_schema_refuses_an_unknown_category_and_lists_the_known_ones() -> None:
    strict = input_model(TableSchema(**{**vars_of(SCHEMA), "strict": True}))
    assert strict.model_validate({**ROW, "json": None})
    with pytest.raises(ValidationError, match="'One year' or 'Month-to-month'"):
        strict.model_validate({**ROW, "contract": "Ten years"})


def vars_of(schema: TableSchema) -> dict[str, Any]:
    return {name: getattr(schema, name) for name in TableSchema.__dataclass_fields__}


def test_dates_count_back_from_the_newest_of_the_table() -> None:
    assert ENCODER.encode({**ROW, "since": "2025-06-01"})[5] == 29.0
    assert ENCODER.encode({**ROW, "since": "2025-07-01"})[5] == -1.0


def test_the_model_describes_itself_to_openapi_under_the_names_of_the_table() -> None:
    schema = CUSTOMER.model_json_schema()
    assert list(schema["properties"]) == list(ROW)
    assert schema["required"] == ["Monthly Charges", "1st", "contract", "since"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["Monthly Charges"]["description"] == "What is paid a month"
    assert schema["properties"]["since"]["format"] == "date"
    assert CUSTOMER.model_validate({**schema["examples"][0]})


def test_an_input_is_frozen() -> None:
    data = CUSTOMER.model_validate(ROW)
    with pytest.raises(ValidationError, match="frozen"):
        data.contract = "Month-to-month"  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"table": 1}', SCHEMA.to_json().replace("number", "numeral")])
def test_a_schema_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="schema"):
        TableSchema.from_json(text)
