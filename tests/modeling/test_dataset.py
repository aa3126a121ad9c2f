"""Whole tables, from the file to the arrays."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from modeling.choices import Choices
from modeling.dataset import Dataset, read_dataset
from modeling.features import Encoder, TableSchema, input_model, input_warnings, values_of
from modeling.subscribers import write_subscribers
from tests.modeling.tables import TELCO, chosen, customers, flags, read, reasons, write_csv


@pytest.fixture(scope="module")
def telco() -> Dataset:
    return read_dataset(str(TELCO), Choices())


def test_the_telco_table_needs_no_flag(telco: Dataset) -> None:
    assert (telco.schema.id, telco.schema.target, telco.schema.positive) == ("customerID", "Churn", "Yes")
    assert telco.schema.table == "telco-customer-churn"
    assert chosen(telco)["value"] == "MonthlyCharges"
    assert telco.dropped == ()
    assert telco.x.shape == (7043, 19)
    assert telco.y.dtype == np.uint8
    assert telco.y.sum() == 1869
    assert telco.ids[0] == "7590-VHVEG"
    assert telco.values is not None
    assert telco.values[0] == 29.85


def test_blanks_of_the_telco_table_are_gaps_and_its_flags_are_what_requests_hold(telco: Dataset) -> None:
    features = {feature.name: feature for feature in telco.schema.features}
    assert features["TotalCharges"].nullable
    assert sum(row["TotalCharges"] is None for row in telco.rows) == 11
    assert [name for name, feature in features.items() if feature.nullable] == ["TotalCharges"]
    assert (features["SeniorCitizen"].kind, features["SeniorCitizen"].integer) == ("number", True)
    assert features["Partner"].kind == "category"
    assert features["tenure"].minimum == 0
    assert features["tenure"].maximum == 72
    assert set(features["Contract"].categories) == {"Month-to-month", "One year", "Two year"}


def test_the_look_alikes_of_the_telco_table_are_no_twins(telco: Dataset) -> None:
    assert len(np.unique(telco.groups)) == 7043
    (twins,) = [decision for decision in telco.decisions if decision.what == "twins"]
    assert twins.chosen == "none"
    assert "pairs of rows equal in 100% of the columns" in twins.why


@pytest.fixture(scope="module")
def gappy(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Every kind of column, with gaps, rare categories, odd names and dates."""
    rows = 600
    rare = ["Atlantis" if row % 200 == 7 else f"Town{row % 4}" for row in range(rows)]
    table = customers(
        rows,
        **{
            "größe in m²": [f"{row % 90},5" if row % 11 else "" for row in range(rows)],
            "1st order": [f"{row % 28 + 1}/{row % 12 + 1}/2024" if row % 13 else "" for row in range(rows)],
            "json": ["TRUE" if row % 3 else "false" if row % 2 else "" for row in range(rows)],
            "town": ["" if row % 17 == 0 else town for row, town in enumerate(rare)],
        },
    )
    return read(tmp_path_factory.mktemp("gappy"), table)


@pytest.fixture(scope="module", params=["telco", "gappy"])
def dataset(request: pytest.FixtureRequest) -> Dataset:
    found: Dataset = request.getfixturevalue(request.param)
    return found


def test_a_request_may_hold_every_row_of_the_training_table(dataset: Dataset) -> None:
    model = input_model(dataset.schema)
    for row in dataset.rows:
        assert values_of(model.model_validate(row)) == row


def test_the_arrays_are_what_the_encoder_of_the_written_schema_makes(dataset: Dataset) -> None:
    schema = TableSchema.from_json(dataset.schema.to_json())
    encoder = Encoder(schema)
    np.testing.assert_array_equal(dataset.x, encoder.encode_many(dataset.rows))
    np.testing.assert_array_equal(dataset.x[17], encoder.encode(dataset.rows[17]))
    assert dataset.x.dtype == np.float32
    assert np.isfinite(dataset.x).any()


def test_the_usual_values_are_a_customer(dataset: Dataset) -> None:
    usual = {feature.name: feature.default for feature in dataset.schema.features}
    assert values_of(input_model(dataset.schema).model_validate(usual)) == usual
    assert input_warnings(dataset.schema, usual) == []


@pytest.mark.parametrize("field", ["Contract", "tenure", "MonthlyCharges"])
def test_a_request_without_what_every_row_had_is_refused(telco: Dataset, field: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        input_model(telco.schema).model_validate({**telco.rows[0], field: None})
    assert refusal.value.errors()[0]["loc"] == (field,)


def test_every_kind_of_column_has_its_values_and_gaps(gappy: Dataset) -> None:
    features = {feature.name: feature for feature in gappy.schema.features}
    names = ("größe in m²", "1st order", "json", "town")
    assert [features[name].kind for name in names] == ["number", "date", "boolean", "category"]
    assert all(features[name].nullable for name in names)
    assert [gappy.rows[1][name] for name in names] == [1.5, "2024-02-02", True, "Town1"]
    assert [gappy.rows[0][name] for name in names] == [None, None, None, None]


def test_rare_categories_are_other(gappy: Dataset) -> None:
    town = next(feature for feature in gappy.schema.features if feature.name == "town")
    assert set(town.categories) == {"Town0", "Town1", "Town2", "Town3"}
    place = gappy.schema.names.index("town")
    assert gappy.rows[7]["town"] == "Atlantis"
    assert gappy.x[7, place] == town.other
    assert gappy.x[0, place] == 5  # the code of a gap


def test_a_strict_schema_learns_rare_categories_and_refuses_unknown_ones(tmp_path: Path) -> None:
    table = customers(400, town=["Atlantis" if row % 150 == 7 else f"Town{row % 4}" for row in range(400)])
    dataset = read(tmp_path, table, strict=True)
    model = input_model(dataset.schema)
    assert all(values_of(model.model_validate(row)) == row for row in dataset.rows)
    assert not any(input_warnings(dataset.schema, row) for row in dataset.rows if None not in row.values())
    with pytest.raises(ValidationError, match="Atlantis") as refusal:
        model.model_validate({**dataset.rows[0], "town": "Utopia"})
    assert refusal.value.errors()[0]["loc"] == ("town",)


def test_dates_count_back_from_the_newest(gappy: Dataset) -> None:
    newest = max(row["signup_date"] for row in gappy.rows)
    assert gappy.schema.reference_date == newest
    days = gappy.x[:, gappy.schema.names.index("signup_date")]
    assert days.min() == 0
    assert days.max() > 300


def test_a_date_keeps_out_no_one_who_comes_later(gappy: Dataset) -> None:
    later = {**gappy.rows[1], "signup_date": "2031-01-01"}
    encoded = Encoder(gappy.schema).encode(values_of(input_model(gappy.schema).model_validate(later)))
    assert encoded[gappy.schema.names.index("signup_date")] < 0


def test_reading_twice_gives_the_same(tmp_path: Path) -> None:
    write_subscribers(tmp_path / "customers.csv", rows=500)
    one, other = (read_dataset(tmp_path / "customers.csv", Choices()) for _ in range(2))
    assert one.schema.digest() == other.schema.digest()
    assert one.decisions == other.decisions
    np.testing.assert_array_equal(one.groups, other.groups)


def test_every_decision_says_why(dataset: Dataset) -> None:
    assert {"file", "target", "positive", "id", "value", "twins"} <= set(chosen(dataset))
    assert all(decision.chosen and decision.why for decision in dataset.decisions)


def test_copied_customers_share_a_group(tmp_path: Path) -> None:
    table = customers(500)
    doubled = {name: cells + cells[:80] for name, cells in table.items()}
    doubled["subscriber_id"] = [f"S{row}" for row in range(580)]
    doubled["age"][500:] = [33] * 80
    dataset = read(tmp_path, doubled)
    np.testing.assert_array_equal(dataset.groups[:80], dataset.groups[500:])
    assert len(np.unique(dataset.groups)) == 500
    assert chosen(dataset)["twins"] == "160 rows in 80 groups"


def test_a_planted_leak_is_left_out_of_the_telco_table(tmp_path: Path, telco: Dataset) -> None:
    lines = TELCO.read_text().splitlines()
    random = np.random.default_rng(0)
    left = telco.y == 1
    score = np.round(np.where(left, 60, 30) + random.normal(0, 10, len(left)))
    leaking = [f"{lines[0]},Satisfaction"] + [f"{a},{b:g}" for a, b in zip(lines[1:], score, strict=True)]
    (tmp_path / "telco.csv").write_text("\n".join(leaking))
    dataset = read_dataset(tmp_path / "telco.csv", Choices())
    assert list(reasons(dataset)) == ["Satisfaction"]
    assert "leaking" in reasons(dataset)["Satisfaction"]
    assert dataset.schema.features == telco.schema.features
    kept = read_dataset(tmp_path / "telco.csv", Choices(keep=("Satisfaction",)))
    assert kept.schema.names[-1] == "Satisfaction"


def test_a_semicolon_table_with_every_trap_at_once(tmp_path: Path) -> None:
    """Byte-order mark, decimal commas, euro signs, d/m/y dates, padded spellings, a row number, a leak."""
    table = customers(600)
    left = flags(table)
    european = {
        "Nr": list(range(600)),
        "Kunde": table["subscriber_id"],
        "Monthly fee": [f"€ {charge:.2f}".replace(".", ",") for charge in table["monthly_charge"]],
        "since": ["/".join(reversed(day.split("-"))) for day in table["signup_date"]],
        "calls": [f"{calls} " for calls in table["support_calls"]],
        "autopay": [flag if row % 3 else f" {flag.upper()} " for row, flag in enumerate(table["autopay"])],
        "closing code": [f"K{row % 7}" if gone else "" for row, gone in enumerate(left)],
        "Churn": ["ja" if gone else "nein" for gone in left],
    }
    path = write_csv(tmp_path / "kunden.csv", european, separator=";", encoding="utf-8-sig", end="\r\n")
    dataset = read_dataset(path, Choices())
    assert (dataset.schema.id, dataset.schema.target, dataset.schema.positive) == ("Kunde", "Churn", "ja")
    assert dataset.schema.names == ("Monthly fee", "since", "calls", "autopay")
    assert set(reasons(dataset)) == {"Nr", "closing code"}
    assert dataset.values is not None
    np.testing.assert_allclose(dataset.values, table["monthly_charge"])
    assert [row["since"] for row in dataset.rows] == table["signup_date"]
    assert [row["autopay"] for row in dataset.rows] == table["autopay"]
