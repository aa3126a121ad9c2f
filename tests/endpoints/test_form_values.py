"""The form of the trained table, there and back."""

from typing import Any

import pytest
from pydantic import ValidationError

from endpoints.form_values import as_texts, messages, posted_texts, typed_values, typical
from endpoints.schema_form import PREFIX, Field, fields
from modeling.features import Feature, TableSchema, input_model

SCHEMA = TableSchema(
    table="telco",
    id="customerID",
    target="Churn",
    positive="Yes",
    features=(
        Feature("tenure", "number", default=29.0, minimum=0, maximum=72, integer=True),
        Feature("TotalCharges", "number", nullable=True, default=1397.475, minimum=18.8, maximum=8684.8),
        Feature("Contract", "category", categories=("Month-to-month", "One year"), default="One year"),
        Feature("Region", "category", nullable=True, categories=("", "North"), default="North"),
        Feature("Partner", "boolean", default=True),
        Feature("Senior", "boolean", nullable=True, default=None),
        Feature("since", "date", default="2024-02-29"),
        Feature("free text", "category", default="anything"),
    ),
)


def by_name(texts: dict[str, str], errors: dict[str, str] | None = None) -> dict[str, Field]:
    return {field.name.removeprefix(PREFIX): field for field in fields(SCHEMA, texts, errors or {})}


def there_and_back(form: dict[str, str]) -> dict[str, Any]:
    texts = posted_texts(SCHEMA, {PREFIX + name: text for name, text in form.items()})
    return typed_values(SCHEMA, texts)


def problems(form: dict[str, str]) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        input_model(SCHEMA).model_validate(there_and_back(form))
    return messages(SCHEMA, [dict(each) for each in caught.value.errors()])


def test_each_kind_has_the_input_that_fits() -> None:
    found = by_name(as_texts(typical(SCHEMA)))
    assert {name: field.widget for name, field in found.items()} == {
        "tenure": "number",
        "TotalCharges": "number",
        "Contract": "select",
        "Region": "select",
        "Partner": "switch",
        "Senior": "select",
        "since": "date",
        "free text": "text",
    }
    assert (found["tenure"].step, found["TotalCharges"].step) == ("1", "any")
    assert found["tenure"].hint == "Trained on 0 to 72"
    assert [choice.label for choice in found["Region"].choices] == ["unknown", "blank", "North"]
    assert [choice.value for choice in found["Senior"].choices] == ["", "true", "false"]


def test_the_form_starts_as_a_typical_customer_that_the_model_takes() -> None:
    form = as_texts(typical(SCHEMA))
    assert there_and_back(form) == typical(SCHEMA)
    input_model(SCHEMA).model_validate(there_and_back(form))


def test_a_switch_that_is_off_is_not_posted() -> None:
    form = as_texts(typical(SCHEMA))
    del form["Partner"]
    assert there_and_back(form)["Partner"] is False


def test_a_value_that_is_no_category_can_be_chosen_still() -> None:
    field = by_name({"Contract": "Two year"})["Contract"]
    assert [choice.value for choice in field.choices] == ["Two year", "Month-to-month", "One year"]
    assert there_and_back({**as_texts(typical(SCHEMA)), "Contract": "Two year"})["Contract"] == "Two year"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("tenure", "", "Must be filled in"),
        ("tenure", "many", "Must be a number"),
        ("tenure", "nan", "Must be a number"),
        ("tenure", "1e999", "Must be a number"),
        ("since", "2023-02-29", "Must be a date"),
        ("since", "", "Must be filled in"),
        ("Partner", "perhaps", "valid boolean"),
        ("Contract", "a\x00b", "match pattern"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_alone(name: str, text: str, words: str) -> None:
    found = problems({**as_texts(typical(SCHEMA)), name: text})
    assert list(found) == [name]
    assert words in found[name]
    assert by_name({name: text}, found)[name].error == found[name]


def test_an_empty_field_is_a_gap_where_the_table_had_gaps() -> None:
    values = there_and_back({**as_texts(typical(SCHEMA)), "TotalCharges": "", "Senior": ""})
    assert values["TotalCharges"] is None
    assert values["Senior"] is None
    input_model(SCHEMA).model_validate(values)


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (True, "true"), (29.0, "29"), (1397.475, "1397.475"), (1e20, "1e+20"), (7, "7"), ("a", "a")],
)
def test_numbers_are_spelled_as_people_do(value: object, text: str) -> None:
    assert as_texts({"x": value}) == {"x": text}
