"""The label, the id and the money are found, or asked for."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.errors import UserError
from modeling.words import tokens
from tests.modeling.tables import Table, chosen, customers, flags, read, reasons

BASE = customers()
LEFT = flags(BASE)
FEATURES = {name: cells for name, cells in BASE.items() if name not in {"churned", "subscriber_id"}}


def labelled(name: str, yes: Any, no: Any) -> Table:
    return FEATURES | {"subscriber_id": BASE["subscriber_id"], name: [yes if left else no for left in LEFT]}


@pytest.mark.parametrize(
    ("name", "yes", "no"),
    [
        ("Churn", "Yes", "No"), ("is_churn", 1, 0), ("Exited", "1", "0"), ("churned", "true", "false"),
        ("Attrition_Flag", "Attrited Customer", "Existing Customer"), ("left", "Y", "N"),
        ("Cancelled", "TRUE", "FALSE"),
        ("Customer Status", "Churned", "Stayed"), ("status", "closed", "active"), ("target", 1, 0),
        ("churn_next_month", 1, -1), ("Abwanderung", "ja", "nein"), ("IsChurned", "1.0", "0.0"),
    ],
)  # fmt: skip
def test_the_label_is_found_by_name_and_values(tmp_path: Path, name: str, yes: Any, no: Any) -> None:
    dataset = read(tmp_path, labelled(name, yes, no))
    assert dataset.schema.target == name
    assert dataset.schema.positive.casefold() == str(yes).removesuffix(".0").casefold()
    np.testing.assert_array_equal(dataset.y, LEFT.astype(np.uint8))
    assert not reasons(dataset)


def test_labels_in_several_spellings_are_one(tmp_path: Path) -> None:
    spellings = [("Yes", "yes ", " Y", "TRUE", "1", "YES"), ("No", "n", "no", "false", "0", "NO ")]
    labels = [spellings[0 if left else 1][row % 6] for row, left in enumerate(LEFT)]
    dataset = read(tmp_path, BASE | {"churned": labels})
    np.testing.assert_array_equal(dataset.y, LEFT.astype(np.uint8))
    assert dataset.schema.positive.casefold() == "yes"


def test_a_status_of_three_values_asks_which_one_means_left(tmp_path: Path) -> None:
    status = ["Churned" if left else ("Joined" if row % 5 == 0 else "Stayed") for row, left in enumerate(LEFT)]
    table = FEATURES | {"id": BASE["subscriber_id"], "Customer Status": status}
    with pytest.raises(UserError, match=r"'Joined'.*--positive 'Churned'") as refusal:
        read(tmp_path, table)
    assert refusal.value.field == "Customer Status"
    dataset = read(tmp_path, table, positive="churned")
    np.testing.assert_array_equal(dataset.y, LEFT.astype(np.uint8))
    assert dataset.schema.positive == "Churned"


def test_labels_that_say_nothing_ask_which_one_means_left(tmp_path: Path) -> None:
    table = labelled("churned", "A", "B")
    with pytest.raises(UserError, match="--positive"):
        read(tmp_path, table)
    assert read(tmp_path, table, positive="A").y.sum() == LEFT.sum()
    with pytest.raises(UserError, match=r"cannot have --positive 'C'; it holds 'B' \(\d+\), 'A' \(\d+\)"):
        read(tmp_path, table, positive="C")


def test_the_other_side_of_a_staying_column_left(tmp_path: Path) -> None:
    table = labelled("retained", "No", "Yes")
    dataset = read(tmp_path, table, target="retained")
    assert dataset.schema.positive == "No"
    np.testing.assert_array_equal(dataset.y, LEFT.astype(np.uint8))


def test_the_label_can_be_turned_round(tmp_path: Path) -> None:
    np.testing.assert_array_equal(read(tmp_path, BASE, positive="No").y, ~LEFT)


def test_a_table_without_a_label_lists_what_may_be_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"columns of two values: autopay, newsletter.*--target COL"):
        read(tmp_path, {name: cells for name, cells in BASE.items() if name != "churned"})


def test_two_labels_that_differ_ask_for_one_and_two_that_agree_do_not(tmp_path: Path) -> None:
    other = ["Yes" if row % 3 == 0 else "No" for row in range(400)]
    with pytest.raises(UserError, match="several columns may say who left: churned, exited"):
        read(tmp_path, BASE | {"exited": other})
    assert read(tmp_path, BASE | {"exited": other}, target="churned", drop=("exited",)).y.sum() == LEFT.sum()
    dataset = read(tmp_path, BASE | {"exited": LEFT.astype(int).tolist()})
    assert dataset.schema.target == "churned"
    assert "leaking" in reasons(dataset)["exited"]


@pytest.mark.parametrize(("labels", "message"), [(["No"] * 400, "holds only 'No'"), ([""] * 400, "is empty")])
def test_one_label_only_is_refused(tmp_path: Path, labels: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message) as refusal:
        read(tmp_path, BASE | {"churned": labels}, target="churned")
    assert refusal.value.field == "churned"


def test_a_target_of_many_values_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="more than 20 different values"):
        read(tmp_path, BASE, target="monthly_charge")


@pytest.mark.parametrize(
    "name",
    ["customerID", "Customer Id", "CLIENTNUM", "user_id", "msno", "id", "account_number", "Phone Number", "uuid"],
)
def test_the_id_is_found_by_name(tmp_path: Path, name: str) -> None:
    dataset = read(tmp_path, FEATURES | {name: BASE["subscriber_id"], "churned": BASE["churned"]})
    assert dataset.schema.id == name
    assert dataset.ids == BASE["subscriber_id"]


def test_a_customer_id_is_preferred_and_the_row_number_left_out(tmp_path: Path) -> None:
    surnames = [f"Smith{row % 190}" for row in range(400)]
    keys = [15_600_000 + (row * 7919) % 100_003 for row in range(400)]
    table: Table = {
        "RowNumber": list(range(1, 401)),
        "CustomerId": keys,
        "Surname": surnames,
        **FEATURES,
        "Exited": LEFT.astype(int).tolist(),
    }
    dataset = read(tmp_path, table)
    assert dataset.schema.id == "CustomerId"
    assert dataset.ids[:2] == ["15600000", "15607919"]
    assert reasons(dataset)["RowNumber"] == "it numbers the rows"
    assert reasons(dataset)["Surname"].startswith("names: 190 different values")


def test_without_an_id_customers_are_counted(tmp_path: Path) -> None:
    dataset = read(tmp_path, FEATURES | {"churned": BASE["churned"]})
    assert dataset.schema.id == "row"
    assert dataset.ids[:3] == ["1", "2", "3"]
    assert "--id COL" in next(d.why for d in dataset.decisions if d.what == "id")


def test_an_id_of_several_different_rows_is_refused(tmp_path: Path) -> None:
    ids = ["S1", "S1", *BASE["subscriber_id"][2:]]
    with pytest.raises(UserError, match=r"subscriber_id names 1 customers more than once, 'S1'.*--id COL") as refusal:
        read(tmp_path, BASE | {"subscriber_id": ids})
    assert refusal.value.field == "subscriber_id"


def test_rows_that_repeat_in_full_or_lack_id_or_label_are_left_out_and_counted(tmp_path: Path) -> None:
    table = {name: [*cells, cells[7], cells[7]] for name, cells in BASE.items()}
    table["subscriber_id"][0] = ""
    table["churned"][1] = " "
    dataset = read(tmp_path, table)
    assert dataset.ids == BASE["subscriber_id"][2:]
    assert len(dataset.rows) == len(dataset.x) == len(dataset.y) == len(dataset.groups) == 398
    said = {(d.chosen, d.why) for d in dataset.decisions if d.what == "rows"}
    assert said == {
        ("1 left out", "rows without a label"),
        ("1 left out", "rows without subscriber_id"),
        ("2 left out", "rows that repeat an earlier row, id included"),
    }


def test_too_few_rows_or_leavers_are_refused(tmp_path: Path) -> None:
    few = customers(60)
    with pytest.raises(UserError, match=r"60 usable rows.*too few"):
        read(tmp_path, few)
    labels = ["Yes" if row < 4 else "No" for row in range(400)]
    with pytest.raises(UserError, match="400 usable rows, 4 of them left: too few"):
        read(tmp_path, BASE | {"churned": labels})


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("MonthlyCharges", True), ("monthly_fee", True), ("MRR", True), ("arpu", True), ("subscription price", True),
        ("TotalCharges", False), ("annual_revenue", False), ("bounce_rate", False), ("balance", False),
    ],
)  # fmt: skip
def test_the_money_a_period_is_found_by_name(tmp_path: Path, name: str, found: bool) -> None:
    table = {("amount of it" if key == "monthly_charge" else key): cells for key, cells in BASE.items()}
    table[name] = [10.5 + row % 40 for row in range(400)]
    dataset = read(tmp_path, table)
    assert chosen(dataset)["value"] == (name if found else "none")
    assert (dataset.values is not None) == found
    if dataset.values is not None:
        assert dataset.values.tolist() == table[name]


def test_the_money_can_be_chosen_even_when_it_is_no_feature(tmp_path: Path) -> None:
    dataset = read(tmp_path, BASE, value="usage_hours_week", drop=("usage_hours_week",))
    assert dataset.values is not None
    np.testing.assert_array_equal(np.isnan(dataset.values), [cell == "" for cell in BASE["usage_hours_week"]])
    assert "usage_hours_week" not in dataset.schema.names
    with pytest.raises(UserError, match=r"region holds no numbers.*--value COL"):
        read(tmp_path, BASE, value="region")


@pytest.mark.parametrize("field", ["target", "id", "value", "drop", "keep"])
def test_a_chosen_column_that_is_not_there_is_refused_with_a_hint(tmp_path: Path, field: str) -> None:
    choice = ("Churnd",) if field in {"drop", "keep"} else "Churnd"
    with pytest.raises(UserError, match="no column 'Churnd'; did you mean churned"):
        read(tmp_path, BASE, **{field: choice})


@pytest.mark.parametrize(
    "name", ["customerID", "CustomerId", "customer_id", "Customer ID", "customer-id", "CUSTOMER_ID"]
)
def test_names_part_into_words(name: str) -> None:
    assert tokens(name) == ["customer", "id"]
