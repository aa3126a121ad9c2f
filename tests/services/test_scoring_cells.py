"""What the cells of a file of customers stand for."""

from typing import Any

import pytest

from helpers.errors import UserError
from modeling.features import Feature, TableSchema
from services.scoring_jobs.cells import MOST_COLUMNS, Cells, Spelling, find_columns

SCHEMA = TableSchema(
    "customers",
    "customer",
    "left",
    "yes",
    (
        Feature("charge", "number", nullable=True),
        Feature("plan", "category", categories=("Basic", "None")),
        Feature("since", "date"),
        Feature("paper", "boolean", nullable=True),
    ),
)
NAMES = ["customer", *SCHEMA.names]


def body(*cells: str, comma: bool = False, month_first: tuple[str, ...] = ()) -> dict[str, Any]:
    (found,) = Cells(NAMES, comma, month_first, 1, [cells]).bodies(SCHEMA)
    return found


def test_cells_become_what_the_api_takes() -> None:
    assert body(" 007 ", "1,234.5 €", " Basic", "2026-03-04", "TRUE") == {
        "client_id": "007",
        "charge": 1234.5,
        "plan": "Basic",
        "since": "2026-03-04",
        "paper": True,
    }


def test_gaps_are_none_but_a_category_may_be_called_so() -> None:
    found = body("1", "n/a", "None", "2026-03-04", "")
    assert (found["charge"], found["plan"], found["paper"]) == (None, "None", None)
    assert body("1", "", "", "", "")["plan"] is None


def test_text_that_stands_for_nothing_is_left_for_the_model_to_refuse() -> None:
    found = body("1", "much", "Gold", "soon", "perhaps")
    assert list(found.values()) == ["1", "much", "Gold", "soon", "perhaps"]


def test_decimals_may_follow_a_comma_and_months_come_first() -> None:
    found = body("1", "1.234,5", "Basic", "03/04/2026", "0", comma=True, month_first=("since",))
    assert (found["charge"], found["since"], found["paper"]) == (1234.5, "2026-03-04", False)
    assert body("1", "1", "Basic", "03/04/2026", "1")["since"] == "2026-04-03"


@pytest.mark.parametrize(
    ("cells", "comma"),
    [(["1,5", "2", "3.000"], True), (["1.5", "2", "3,000"], False), (["1", ""], False), (["1,5", "1.5", "2.5"], False)],
)
def test_the_whole_file_tells_how_decimals_are_written(cells: list[str], comma: bool) -> None:
    spelling = Spelling()
    for cell in cells:
        spelling.seen(SCHEMA.features[0], cell)
    assert spelling.comma is comma


def test_the_whole_file_tells_whether_the_month_comes_first() -> None:
    spelling = Spelling()
    for cell in ("03/04/2026", "03/25/2026"):
        spelling.seen(SCHEMA.features[2], cell)
    assert spelling.month_first == ["since"]


def test_columns_that_no_model_reads_are_left_out() -> None:
    found = find_columns(["left", *reversed(NAMES), "name"], SCHEMA)
    assert found.unused == ("left", "name")
    assert found.places == (1, 2, 3, 4, 5)
    assert find_columns(["client_id", *SCHEMA.names], SCHEMA).names[0] == "client_id"


@pytest.mark.parametrize(
    ("names", "told", "field"),
    [
        (NAMES[:-1], "no column 'paper'; add it", "paper"),
        ([*NAMES[:-1], "papers"], "no column 'paper'; is it 'papers'?", "paper"),
        (["costumer", *SCHEMA.names], "no column 'customer' with the clients' ids; is it 'costumer'?", "customer"),
        (["client_id", *NAMES], "leave one of the two out", "client_id"),
    ],
)
def test_a_missing_column_is_named(names: list[str], told: str, field: str) -> None:
    with pytest.raises(UserError) as refusal:
        find_columns(names, SCHEMA)
    assert told in str(refusal.value)
    assert refusal.value.field == field


def test_what_is_too_long_for_a_number_or_a_date_is_not_searched_for_one() -> None:
    spelling, (charge, since) = Spelling(), (SCHEMA.features[NAMES.index(name) - 1] for name in ("charge", "since"))
    spelling.seen(charge, "1," + "5" * 100)
    spelling.seen(since, "03/04/2026 10:00" + "x" * 100)
    assert (spelling.comma, spelling.dates) == (False, {})
    long = "2026-03-04 10:00" + "x" * 100
    assert body("1", "1" * 101, "Basic", long, "1")["charge"] == "1" * 101
    assert body("1", "1", "Basic", long, "1")["since"] == long


def test_more_columns_than_anybody_means_are_refused() -> None:
    others = [f"c{number}" for number in range(MOST_COLUMNS - len(NAMES))]
    assert len(find_columns([*NAMES, *others], SCHEMA).unused) == len(others)
    with pytest.raises(UserError, match="has 2,001 columns"):
        find_columns([*NAMES, *others, "one"], SCHEMA)
