"""Lifetime values against closed forms, and on tables with and without what they need."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modeling.lifetime import DISCOUNT, HORIZON, lifetimes
from modeling.survival import Survival, constant, expected_periods, observed
from tests.modeling.tables import customers, read


def test_a_constant_hazard_gives_the_geometric_sum() -> None:
    survival = constant(np.tile([1.0, 0.0, 0.0, 0.0], 10))
    q = 0.75 * DISCOUNT
    expected = q * (1 - q**HORIZON) / (1 - q)
    assert expected_periods(survival, np.array([0, 7]), HORIZON, DISCOUNT).tolist() == pytest.approx([expected] * 2)


def test_who_never_leaves_stays_for_the_whole_horizon() -> None:
    assert expected_periods(constant(np.zeros(10)), np.array([0]), 60, 1.0).tolist() == [60.0]


def test_survival_by_hand() -> None:
    survival = Survival(np.array([0.5, 0.25]), tail=1.0)
    found = expected_periods(survival, np.array([0, 1, 2]), 10, 0.9)
    assert found.tolist() == pytest.approx([0.9 * 0.5 + 0.81 * 0.5 * 0.75, 0.9 * 0.75, 0.0])


def test_the_observed_curve_is_kaplan_and_meiers() -> None:
    """Ages 0, 1, 2: 40 left at 0 of 200, 30 at 1 of the 100 who got there, none at 2 of 60."""
    age = np.repeat([0, 0, 1, 1, 2], [40, 60, 30, 10, 60])
    left = np.repeat([1.0, 0.0, 1.0, 0.0, 0.0], [40, 60, 30, 10, 60])
    survival = observed(age, left)
    assert survival.hazard.tolist() == pytest.approx([0.2, 0.3, 0.0])
    assert survival.tail == 0.0


def test_ages_that_few_reached_share_the_hazard_of_the_oldest_trusted() -> None:
    age = np.concatenate([np.repeat(np.arange(8), 50), np.full(5, 40)])
    left = np.concatenate([np.tile(np.repeat([1.0, 0.0], [10, 40]), 8), np.ones(5)])
    survival = observed(age, left)
    assert len(survival.hazard) == 8
    assert survival.at(np.array([40, 900])).tolist() == [survival.tail] * 2
    assert survival.tail == pytest.approx(20 / (105 + 55))


def table(**extra: Any) -> dict[str, list[Any]]:
    return customers(3000, **extra)


def test_a_customer_is_worth_the_price_times_the_time_that_similar_ones_stay(tmp_path: Path) -> None:
    dataset = read(tmp_path, table())
    found = lifetimes(dataset)
    assert found is not None
    assert found.method == "kaplan_meier"
    assert "tenure_months" in found.said
    assert "contract" in found.said
    assert dataset.values is not None
    periods = found.values / dataset.values
    assert ((periods > 0) & (periods < HORIZON)).all()
    same: dict[tuple[object, object], set[float]] = {}
    for row, stay in zip(dataset.rows, periods.round(6).tolist(), strict=True):
        same.setdefault((row["contract"], row["tenure_months"]), set()).add(stay)
    assert all(len(stays) == 1 for stays in same.values())
    monthly = np.array([row["contract"] == "Monthly" for row in dataset.rows])
    assert periods[monthly].mean() < periods[~monthly].mean()


def test_who_has_left_is_not_worth_nothing(tmp_path: Path) -> None:
    dataset = read(tmp_path, table())
    found = lifetimes(dataset)
    assert found is not None
    assert (found.values[dataset.y == 1] > 0).all()


def test_without_a_tenure_the_rate_of_leaving_is_constant(tmp_path: Path) -> None:
    dataset = read(tmp_path, table(), drop=("tenure_months", "signup_date"))
    found = lifetimes(dataset)
    assert found is not None
    assert found.method == "geometric"
    assert "no column tells how long" in found.said


def test_without_a_value_there_is_none(tmp_path: Path) -> None:
    plain = {name: cells for name, cells in table().items() if name != "monthly_charge"}
    dataset = read(tmp_path, plain)
    assert dataset.values is None
    assert lifetimes(dataset) is None


def test_a_gap_in_the_value_is_a_gap_in_the_result(tmp_path: Path) -> None:
    made = table()
    made["monthly_charge"] = ["" if i % 7 == 0 else cell for i, cell in enumerate(made["monthly_charge"])]
    found = lifetimes(read(tmp_path, made))
    assert found is not None
    assert np.isnan(found.values[::7]).all()
    assert np.isfinite(np.delete(found.values, np.s_[::7])).all()


TENURES = ("tenure", "Months_on_book", "AccountLength", "account length", "tenureMonths")
OTHERS = ("Customer_Age", "age", "months_inactive", "contract_months")


@pytest.mark.parametrize("name", [*TENURES, *OTHERS])
def test_tenures_are_known_by_their_name(tmp_path: Path, name: str) -> None:
    made = {n: c for n, c in table().items() if n != "signup_date"}
    made[name] = made.pop("tenure_months")
    found = lifetimes(read(tmp_path, made))
    assert found is not None
    assert (found.method == "kaplan_meier") is (name in TENURES)
