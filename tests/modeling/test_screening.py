"""What a model must not read is left out with its reason, and can be kept."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from helpers.errors import UserError
from modeling.columns import Column
from modeling.leaks import roc_auc, single_column_auc
from tests.modeling.tables import Table, customers, flags, read, reasons

ROWS = 1000
BASE = customers(ROWS)
LEFT = flags(BASE)
RANDOM = np.random.default_rng(5)


def noisy(right: float) -> list[str]:
    """A column that names the label in this share of the rows."""
    return ["b" if left == (RANDOM.random() < right) else "a" for left in LEFT]


UNFIT: dict[str, tuple[Sequence[Any], str]] = {
    "country": (["DE"] * ROWS, "constant: the same in every row"),
    "remark": ([""] * ROWS, "constant: empty in every row"),
    "beta": (["yes" if row < 3 else "no" for row in range(ROWS)], "nearly constant: the same in all but 3 rows"),
    "line": (list(range(1, ROWS + 1)), "it numbers the rows"),
    "shuffled": (RANDOM.permutation(ROWS).tolist(), "it numbers the rows"),
    "order_id": (RANDOM.integers(10**8, 10**9, ROWS).tolist(), "id-like"),
    "email": ([f"p{row}@example.org" for row in range(ROWS)], "id-like|email addresses"),
    "contact address": ([f"p{row}@example.org" for row in range(ROWS)], "email addresses: 1,000 different values"),
    "hotline": ([f"+49 30 {row + 100_000}" for row in range(ROWS)], "telephone or account numbers"),
    "surname": ([f"Smith{row % 700}" for row in range(ROWS)], "names: 700 different values"),
    "comment": ([f"the line was down for {row} hours again" for row in range(ROWS)], "free text"),
    "city": ([f"Town{row % 600}" for row in range(ROWS)], "text with too many values: 600 different values"),
    "hash": ([f"x{row:x}z" for row in range(ROWS)], "id-like"),
    "gift": (["a" if row % 27 == 0 else "" for row in range(ROWS)], r"mostly missing: 96\.2%"),
    "plan copy": (BASE["plan"], "it says the same as plan in every row"),
    "plan letter": ([plan[0] for plan in BASE["plan"]], "it says the same as plan in every row"),
    "price again": (BASE["monthly_charge"], "it says the same as monthly_charge in every row"),
    "token": (noisy(0.6), "a request uses this name for something else"),
    "key": (noisy(0.6), "a request uses this name for something else"),
    "exit flag": (LEFT.astype(int).tolist(), r"leaking: alone.*AUC of 1\.000"),
    "contract_end": (["2025-01-01" if left else "" for left in LEFT], "leaking|nearly|constant"),
    "tickets": ([int(left) * 5 + row % 3 for row, left in enumerate(LEFT)], "leaking"),
    "churn_reason": ([RANDOM.choice(["price", "service"]) if left else "" for left in LEFT], "leaking.*named like"),
    "churn score": ((LEFT * 0.9 + RANDOM.normal(0, 0.65, ROWS)).round(3).tolist(), "alarm at 0.80.*named like"),
    "strong": (noisy(0.97), r"leaking.*AUC of 0\.9[5-9].*alarm at 0\.90.*--keep strong"),
}
HONEST: dict[str, Sequence[Any]] = {
    "plan code": [{"Basic": 1, "Standard": 7, "Premium": 3, "Family": 4}[plan] for plan in BASE["plan"]],
    "plain score": (LEFT * 0.9 + RANDOM.normal(0, 0.65, ROWS)).round(3).tolist(),
    "informative": noisy(0.8),
    "state": [f"State{row % 40}" for row in range(ROWS)],
    "salary": (RANDOM.permutation(ROWS * 7)[:ROWS] + 20_000).tolist(),
    "exactly": RANDOM.normal(0, 1, ROWS).tolist(),
    "product name": [f"Phone{row % 9}" for row in range(ROWS)],
}


@pytest.fixture(scope="module")
def table() -> Table:
    return BASE | {name: list(cells) for name, (cells, _) in UNFIT.items()} | {n: list(c) for n, c in HONEST.items()}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, table: Table) -> dict[str, str]:
    dataset = read(tmp_path_factory.mktemp("unfit"), table, target="churned", id="subscriber_id")
    assert set(dataset.schema.names).isdisjoint(reasons(dataset))
    assert set(dataset.schema.names) | set(reasons(dataset)) == set(table) - {"churned", "subscriber_id"}
    return reasons(dataset)


@pytest.mark.parametrize("name", UNFIT)
def test_an_unfit_column_is_left_out_with_its_reason(found: dict[str, str], name: str) -> None:
    assert re.search(UNFIT[name][1], found[name])


def test_honest_columns_stay(found: dict[str, str]) -> None:
    assert set(found) == set(UNFIT)


def test_every_decision_can_be_overridden_but_for_the_names_that_requests_use(tmp_path: Path, table: Table) -> None:
    dataset = read(tmp_path, table, target="churned", id="subscriber_id", keep=tuple(UNFIT), drop=("plan", "region"))
    assert set(reasons(dataset)) == {"plan", "region", "token", "key"}
    assert reasons(dataset)["region"] == "you dropped it"
    assert np.isfinite(dataset.x).any(axis=1).all()


def test_a_table_of_unfit_columns_alone_is_refused(tmp_path: Path) -> None:
    table = {"id": BASE["subscriber_id"], "churned": BASE["churned"], "country": ["DE"] * ROWS}
    with pytest.raises(UserError, match="no column is left to learn from"):
        read(tmp_path, table)


def column(cells: Any) -> Column:
    return Column("c", "number", np.asarray(cells, dtype=float))


def test_a_single_column_is_judged_on_rows_that_it_was_not_learned_from() -> None:
    """A number that is different in every row tells all about the rows it was learned from, and nothing else."""
    assert single_column_auc(column(RANDOM.permutation(ROWS)), LEFT) == pytest.approx(0.5, abs=0.06)


def test_a_gap_that_tells_who_left_is_seen() -> None:
    assert single_column_auc(column(np.where(LEFT, 1.0, np.nan)), LEFT) > 0.999


def test_both_ends_of_a_column_may_leave() -> None:
    assert single_column_auc(column(np.where(LEFT, RANDOM.choice([-5, 5], ROWS), 0)), LEFT) > 0.999


@pytest.mark.parametrize(
    ("scores", "left", "auc"),
    [
        ([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1], 1.0),
        ([0.9, 0.8, 0.2, 0.1], [0, 0, 1, 1], 0.0),
        ([0.5, 0.5, 0.5, 0.5], [0, 1, 0, 1], 0.5),
        ([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1], 0.75),
    ],
)
def test_the_area_under_the_curve(scores: list[float], left: list[int], auc: float) -> None:
    assert roc_auc(np.array(scores), np.array(left, dtype=bool)) == auc


def test_the_area_under_the_curve_equals_that_of_scikit_learn() -> None:
    scores = RANDOM.normal(size=ROWS).round(1) + LEFT
    assert roc_auc(scores, LEFT) == pytest.approx(roc_auc_score(LEFT, scores), abs=1e-12)
