"""Experiments in words."""

from datetime import UTC, datetime, timedelta

from endpoints.experiments_wording import (
    amount,
    amount_span,
    arm_name,
    days_between,
    month_name,
    plural,
    points,
    points_span,
)
from experiments.statistics import Estimate

START = datetime(2026, 11, 3, 23, 30, tzinfo=UTC)


def test_arms_and_models_have_names() -> None:
    assert [arm_name(arm) for arm in ("champion", "gradient_boosting@3", "holdout")] == [
        "Champion",
        "Gradient boosting 3",
        "Holdout",
    ]


def test_differences_are_points_with_a_sign() -> None:
    assert [points(each) for each in (-0.0312, 0.004, 0, -0.0001)] == ["−3.1", "+0.4", "0.0", "0.0"]
    assert points_span(-0.05, 0.012) == "−5.0 to +1.2"


def test_money_may_be_lost() -> None:
    assert [amount(each) for each in (12_345.6, -1_900, -3.2)] == ["12,346", "−1,900", "−3.20"]
    assert amount_span(Estimate(1, -200, 3_100)) == "−200 to 3,100"


def test_days_and_months() -> None:
    assert days_between(START, START) == 1
    assert days_between(START, START + timedelta(days=2, hours=1)) == 3
    assert month_name("2026-06") == "June 2026"


def test_one_is_not_many() -> None:
    assert [plural(1, "day"), plural(2_000, "client"), plural(0, "day")] == ["1 day", "2,000 clients", "0 days"]
