"""The test of the sample ratio against exact arithmetic, and its promise of few false alarms at all looks at once."""

from fractions import Fraction
from itertools import pairwise
from math import prod
from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.trials import first_alarm
from experiments.statistics import mismatch

EVEN = {"a": 0.5, "b": 0.5}


def rising(start: Fraction, steps: int) -> Fraction:
    return prod((start + step for step in range(steps)), start=Fraction(1))


def exact(counts: list[int], shares: list[Fraction], concentration: int) -> float:
    """min(1, 1 / Bayes factor) in whole numbers and fractions: each client's chance under the prior, one by one."""
    drawn = prod((rising(concentration * s, n) for n, s in zip(counts, shares, strict=True)), start=Fraction(1))
    fixed = prod((s**n for n, s in zip(counts, shares, strict=True)), start=Fraction(1))
    return float(min(Fraction(1), fixed * rising(Fraction(concentration), sum(counts)) / drawn))


@pytest.mark.parametrize("counts", [[0, 0, 0], [1, 0, 0], [50, 30, 20], [10, 0, 0], [30, 60, 40], [0, 0, 90]])
@pytest.mark.parametrize("concentration", [10, 300])
def test_it_equals_exact_arithmetic(counts: list[int], concentration: int) -> None:
    shares = [Fraction(1, 2), Fraction(3, 10), Fraction(1, 5)]
    named = dict(zip("abc", map(float, shares), strict=True))
    found = mismatch(dict(zip("abc", counts, strict=True)), named, concentration)
    assert found == pytest.approx(exact(counts, shares, concentration), rel=1e-9)


def test_no_data_is_no_evidence() -> None:
    assert mismatch({}, EVEN) == 1
    assert mismatch({"a": 0, "b": 0}, EVEN) == 1
    assert mismatch({"only": 1_000_000}, {"only": 1.0}) == 1


@given(st.integers(0, 10_000))
def test_counts_as_configured_are_no_evidence(n: int) -> None:
    assert mismatch({"a": 7 * n, "b": 2 * n, "c": n}, {"a": 0.7, "b": 0.2, "c": 0.1}) == 1


@given(st.integers(1, 3_000))
def test_the_more_skewed_the_smaller(n: int) -> None:
    found = [mismatch({"a": n + shift, "b": n - shift}, EVEN) for shift in range(0, n, max(1, n // 20))]
    assert all(after <= before for before, after in pairwise(found))
    assert all(0 <= each <= 1 for each in found)


@given(st.permutations(["a", "b", "c"]), st.lists(st.integers(0, 500), min_size=3, max_size=3))
def test_the_order_of_arms_does_not_matter(order: list[str], numbers: list[int]) -> None:
    counts, shares = dict(zip("abc", numbers, strict=True)), {"a": 0.2, "b": 0.3, "c": 0.5}
    turned = mismatch({arm: counts[arm] for arm in order}, {arm: shares[arm] for arm in order})
    assert turned == pytest.approx(mismatch(counts, shares), rel=1e-9)


def test_a_great_skew_among_many_is_certain() -> None:
    assert mismatch({"a": 600_000, "b": 400_000}, EVEN) < 1e-300


@pytest.mark.parametrize("shares", [{"a": 0.5, "b": 0.4}, {"a": 1.5, "b": -0.5}, {}])
def test_shares_that_are_none_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="sum to 1"):
        mismatch({"a": 1}, shares)


@pytest.mark.parametrize("shares", [{"b": 1.0}, {"a": 0.0, "b": 1.0}])
def test_counts_of_an_arm_without_a_share_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="without a share: a"):
        mismatch({"a": 1, "b": 5}, shares)


def test_an_arm_without_share_and_clients_changes_nothing() -> None:
    counts = {"a": 60, "b": 40}
    assert mismatch({**counts, "c": 0}, {**EVEN, "c": 0.0}) == mismatch(counts, EVEN)


@pytest.mark.parametrize("alpha", [0.01, 0.1])
def test_the_chance_of_any_false_alarm_is_at_most_alpha(alpha: float) -> None:
    """Exactly, over all orders in which 200 clients can come, with a look after each of them."""
    share, without_alarm = 0.3, {0: 1.0}
    for n in range(1, 201):
        reached: dict[int, float] = {}
        for a, chance in without_alarm.items():
            reached[a + 1] = reached.get(a + 1, 0.0) + chance * share
            reached[a] = reached.get(a, 0.0) + chance * (1 - share)
        shares = {"a": share, "b": 1 - share}
        without_alarm = {
            a: chance
            for a, chance in reached.items()
            if mismatch({"a": a, "b": n - a}, shares, concentration=10) >= alpha
        }
    assert alpha / 10 < 1 - sum(without_alarm.values()) <= alpha


def test_a_daily_look_raises_few_false_alarms_and_finds_47_to_53_in_two_weeks() -> None:
    random = np.random.default_rng(13)
    false = [first_alarm(0.5, 60, random) for _ in range(300)]
    found = [first_alarm(0.47, 60, random) for _ in range(100)]
    assert sum(day is not None for day in false) <= 0.02 * len(false)
    assert median(day or 61 for day in found) <= 14
