"""Makes up a believable table of subscribers, for a first start without a table of one's own.

A subscriber's hidden discontent grows with support calls, price rises, failing payments and falling use, and
counts for more in the first year and on a monthly contract; a long contract and automatic payment hold people
back. What no column shows is noise. docs/training.md describes each column.
"""

import csv
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

TODAY = date(2025, 9, 30)
CHURN_RATE = 0.2
NOISE = 0.8  # standard deviation, in log-odds, of what no column shows
PLANS = ("Basic", "Standard", "Premium", "Family")
PLAN_SHARES = (0.34, 0.36, 0.16, 0.14)
PLAN_PRICES = np.array([9.99, 15.99, 24.99, 29.99])
CONTRACTS = ("Monthly", "Yearly", "Two years")
REGIONS = ("North", "South", "East", "West", "Centre", "Islands")
REGION_SHARES = (0.24, 0.21, 0.18, 0.17, 0.16, 0.04)
PAYMENTS = ("Direct debit", "Credit card", "Bank transfer", "Gift card")
CHANNELS = ("Web", "Store", "Partner", "Referral")

Doubles = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Population:
    """The columns that the others and the outcome depend on, each of shape (N,)."""

    plan: Places
    contract: Places
    payment: Places
    autopay: npt.NDArray[np.bool_]
    tenure: Places
    price: Doubles
    rise: Doubles
    hours: Doubles
    trend: Doubles
    calls: Places
    failures: Places
    login: Doubles


def write_subscribers(path: Path, rows: int = 10_000, seed: int = 1) -> None:
    """Writes a CSV of `rows` subscribers with header; the same seed gives the same file."""
    table = subscribers(rows, seed)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        writer.writerows(zip(*table.values(), strict=True))


def subscribers(rows: int = 10_000, seed: int = 1) -> dict[str, list[Any]]:
    """The table by column; gaps are empty text. About one subscriber in five has left."""
    return subscribers_with_truth(rows, seed)[0]


def subscribers_with_truth(rows: int, seed: int) -> tuple[dict[str, list[Any]], Doubles]:
    """The same table, and beside it each subscriber's true probability of leaving, (N,), which nobody knows of
    customers that are not made up."""
    random = np.random.default_rng(seed)
    people = _population(random, rows)
    chances = _chances(random, people)
    churned = random.random(rows) < chances
    table = {
        "subscriber_id": [f"S{number:06d}" for number in random.permutation(rows) + 100_000],
        "signup_date": [(TODAY - timedelta(days=int(days))).isoformat() for days in _signup(random, people.tenure)],
        "plan": [PLANS[place] for place in people.plan],
        "contract": [CONTRACTS[place] for place in people.contract],
        "tenure_months": people.tenure.tolist(),
        "monthly_charge": people.price.round(2).tolist(),
        "price_increase_percent": people.rise.round(1).tolist(),
        "payment_method": [PAYMENTS[place] for place in people.payment],
        "autopay": _yes_no(people.autopay),
        "failed_payments": people.failures.tolist(),
        "usage_hours_week": _with_gaps(random, people.hours.round(1), 0.03),
        "usage_trend_percent": _with_gaps(random, people.trend.round(1), 0.03),
        "days_since_login": _with_gaps(random, people.login.astype(int), 0.02),
        "support_calls": people.calls.tolist(),
        "satisfaction": _satisfaction(random, people),
        "devices": random.integers(1, 6, rows).tolist(),
        "region": _drawn(random, REGIONS, REGION_SHARES, rows),
        "channel": _drawn(random, CHANNELS, (0.5, 0.2, 0.18, 0.12), rows),
        "age": _with_gaps(random, random.normal(43, 14, rows).clip(18, 90).astype(int), 0.06),
        "newsletter": _yes_no(random.random(rows) < 0.4),
        "churned": _yes_no(churned),
    }
    return table, chances


def _population(random: np.random.Generator, rows: int) -> _Population:
    tenure = np.ceil(random.gamma(1.3, 20, rows)).clip(1, 120).astype(np.int64)
    plan = random.choice(len(PLANS), rows, p=PLAN_SHARES)
    # who stays long has had the time to be talked into a longer contract
    settled = random.random(rows) + 0.004 * tenure
    contract = np.digitize(settled, [0.62, 1.0])
    payment = random.choice(len(PAYMENTS), rows, p=(0.38, 0.36, 0.2, 0.06))
    autopay = random.random(rows) < np.array([0.92, 0.7, 0.15, 0.0])[payment]
    rise = np.where(random.random(rows) < 0.35, random.choice([3.0, 5.0, 8.0, 12.0], rows), 0.0)
    rise *= contract == 0  # a longer contract fixes the price
    hours = random.gamma(2.2, 2.6, rows) * np.array([0.8, 1.0, 1.3, 1.6])[plan]
    trend = random.normal(-2, 22, rows).clip(-95, 150)
    login = random.exponential(3 + 14 / (1 + hours) + np.maximum(0, -trend) / 5, rows).clip(0, 180)
    return _Population(
        plan=plan,
        contract=contract,
        payment=payment,
        autopay=autopay,
        tenure=tenure,
        price=PLAN_PRICES[plan] * (1 + rise / 100) * np.array([1.0, 0.9, 0.82])[contract],
        rise=rise,
        hours=hours,
        trend=trend,
        calls=random.poisson(random.gamma(0.8, 1.2, rows)),
        failures=random.poisson(np.where(autopay, 0.12, 0.4)),
        login=login,
    )


def _chances(random: np.random.Generator, people: _Population) -> Doubles:
    """Who will leave, (N,): the logistic of the discontent, shifted so that a fifth leaves on average."""
    discontent = _discontent(people) + random.normal(0, NOISE, len(people.plan))
    low, high = -20.0, 20.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if _logistic(discontent + middle).mean() < CHURN_RATE else (low, middle)
    return _logistic(discontent + low)


def _discontent(people: _Population) -> Doubles:
    """In log-odds. Each line is one thing that drives people away, or that holds them."""
    monthly = people.contract == 0
    new = people.tenure < 12
    return np.asarray(
        np.array([0.9, -0.5, -1.5])[people.contract]
        + 1.2 * np.exp(-people.tenure / 9)
        + np.minimum(people.calls, 6) * np.where(new, 0.65, 0.12)
        - np.clip(people.trend, -60, 30) * np.where(monthly, 0.038, 0.008)
        + np.select([people.login > 30, people.login > 14], [1.3, 0.7])
        + people.rise * np.where(people.plan == 0, 0.22, 0.05)
        + 0.7 * np.minimum(people.failures, 3) * ~people.autopay
        - 0.4 * people.autopay
        + 1.1 * ((people.plan >= 2) & (people.hours < 5))  # a large plan that is hardly used
        + 0.6 * (people.payment == 3)
    )


def _logistic(odds: Doubles) -> Doubles:
    return np.asarray(1 / (1 + np.exp(-odds)))


def _signup(random: np.random.Generator, tenure: Places) -> Places:
    """Days since the signing up, somewhere in its month."""
    return np.asarray(tenure * 30.44 - random.integers(0, 30, len(tenure)), dtype=np.int64)


def _satisfaction(random: np.random.Generator, people: _Population) -> list[Any]:
    """Stars from 1 to 5 of those who answered; the discontent answer more."""
    mood = 3.9 - 0.35 * _discontent(people) + random.normal(0, 1.1, len(people.plan))
    silent = random.random(len(mood)) < np.where(mood < 2.5, 0.35, 0.6)
    stars = np.rint(mood).clip(1, 5).astype(int).tolist()
    return ["" if quiet else star for quiet, star in zip(silent.tolist(), stars, strict=True)]


def _with_gaps(random: np.random.Generator, values: npt.NDArray[Any], share: float) -> list[Any]:
    gaps = random.random(len(values)) < share
    return ["" if gap else value for value, gap in zip(values.tolist(), gaps.tolist(), strict=True)]


def _drawn(random: np.random.Generator, names: tuple[str, ...], shares: tuple[float, ...], rows: int) -> list[str]:
    return [names[place] for place in random.choice(len(names), rows, p=shares)]


def _yes_no(flags: npt.NDArray[np.bool_]) -> list[str]:
    return ["Yes" if flag else "No" for flag in flags.tolist()]
