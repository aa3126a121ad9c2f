"""Intervals against statsmodels, against recorded figures, and against what they must be by definition."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.power import normal_power_het
from statsmodels.stats.proportion import confint_proportions_2indep
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from benchmarks.trials import Truth, course, first_without
from experiments.statistics import (
    ALPHA,
    MINIMUM_CLIENTS,
    MINIMUM_EVENTS,
    Estimate,
    Tally,
    clients_needed,
    difference,
    enough,
    fixed_horizon,
    mean,
    power,
)

HALF = (0.5, 0.5)


def tally(n: int, mean_of: float, variance: float) -> Tally:
    """An arm with exactly this mean and variance."""
    return Tally(n, n * mean_of, variance * (n - 1) + n * mean_of**2)


def expected(n: float, rate: float) -> Tally:
    return tally(round(n), rate, rate * (1 - rate))


def arms() -> st.SearchStrategy[Tally]:
    """Arms of 20 clients at least with some leavers and some stayers."""
    return st.integers(20, 5_000).flatmap(lambda n: st.integers(1, n - 1).map(lambda k: Tally.of_events(n, k)))


def estimate(treated: Tally, control: Tally) -> Estimate:
    found = difference(treated, control)
    assert found is not None
    return found


def excludes_zero(found: Estimate) -> bool:
    return found.low > 0 or found.high < 0


def half(found: Estimate | None) -> float:
    assert found is not None
    return (found.high - found.low) / 2


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=50))
def test_a_tally_holds_mean_and_variance(values: list[float]) -> None:
    found = Tally(len(values), sum(values), sum(value**2 for value in values))
    assert found.mean == pytest.approx(np.mean(values), abs=1e-6)
    assert found.variance == pytest.approx(np.var(values, ddof=1), rel=1e-6, abs=1e-6)


@given(arms(), arms())
def test_tallies_pool(one: Tally, other: Tally) -> None:
    assert one + other == Tally.of_events(one.n + other.n, round(one.total + other.total))


def test_few_clients_have_neither_variance_nor_interval() -> None:
    none, one, two = (Tally.of_events(n, 0) for n in range(3))
    assert (none.mean, none.variance, one.variance) == (0.0, 0.0, 0.0)
    assert mean(one) is None
    assert mean(two) is not None
    assert (difference(one, two), difference(two, one), fixed_horizon(one, two)) == (None, None, None)


# Recorded with 40 digits by mpmath 1.3: the boundary written out, and rho sought as the root of its derivative.
@pytest.mark.parametrize(
    ("tuned_at", "alpha", "n", "margin"),
    [
        (5_000, 0.05, 200, 0.356231906436174),
        (5_000, 0.05, 5_000, 0.0429231127996753),
        (5_000, 0.05, 1_000_000, 0.00366116642394653),
        (500, 0.01, 200, 0.257682408719234),
        (500, 0.01, 40_000, 0.0200467569416818),
    ],
)
def test_half_the_width_equals_the_recorded_figures(tuned_at: int, alpha: float, n: int, margin: float) -> None:
    assert half(mean(tally(n, 0.0, 1.0), alpha, tuned_at)) == pytest.approx(margin, rel=1e-12)


@pytest.mark.parametrize(
    ("treated", "control", "low", "high"),
    [
        ((2_500, 150), (2_500, 200), -0.0426105395149173, 0.00261053951491729),
        ((300, 40), (2_700, 300), -0.040713166240564, 0.0851576106850084),
        ((50_000, 3_000), (50_000, 4_000), -0.0255656239844932, -0.0144343760155068),
    ],
)
def test_differences_equal_the_recorded_figures(
    treated: tuple[int, int], control: tuple[int, int], low: float, high: float
) -> None:
    found = estimate(Tally.of_events(*treated), Tally.of_events(*control))
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-12)
    assert excludes_zero(found) == (high < 0)


@pytest.mark.parametrize("n", [500, 5_000, 50_000])
def test_no_other_tuning_is_tighter_at_the_tuned_number_of_clients(n: int) -> None:
    one = tally(n, 0.0, 1.0)
    others = [half(mean(one, tuned_at=round(n * factor))) for factor in (0.5, 0.9, 1.1, 2)]
    assert half(mean(one, tuned_at=n)) < min(others)


def test_a_small_arm_of_equal_clients_is_no_more_certain_than_all() -> None:
    few, many = Tally(100, 0.0, 0.0), Tally.of_events(1_900, 190)
    spread = math.sqrt((few + many).variance / 0.05 + many.variance / 0.95)
    assert half(difference(few, many)) == pytest.approx(spread * half(mean(tally(2_000, 0.0, 1.0))))


@given(arms(), arms())
def test_swapping_the_arms_turns_the_sign(one: Tally, other: Tally) -> None:
    found, turned = estimate(one, other), estimate(other, one).scaled(-1)
    assert (found.value, found.low, found.high) == pytest.approx((turned.value, turned.low, turned.high))


@given(arms(), arms(), st.floats(0.01, 1_000))
def test_another_unit_scales_the_interval(one: Tally, other: Tally, factor: float) -> None:
    scaled = [Tally(each.n, each.total * factor, each.squares * factor**2) for each in (one, other)]
    found, same = estimate(*scaled), estimate(one, other).scaled(factor)
    assert (found.value, found.low, found.high) == pytest.approx((same.value, same.low, same.high), abs=1e-9)


@given(arms(), arms(), st.integers(2, 50))
def test_more_of_the_same_clients_tell_more(one: Tally, other: Tally, times: int) -> None:
    more, others = (Tally(each.n * times, each.total * times, each.squares * times) for each in (one, other))
    assert half(difference(more, others)) < half(difference(one, other))


@given(arms(), arms())
def test_looking_at_any_time_costs_width(one: Tally, other: Tally) -> None:
    assert half(difference(one, other)) > half(fixed_horizon(one, other))


def test_a_negative_factor_turns_an_estimate_round() -> None:
    assert Estimate(1.0, -1.0, 3.0).scaled(-2) == Estimate(-2.0, -6.0, 2.0)


def test_the_ordinary_interval_equals_that_of_statsmodels() -> None:
    random = np.random.default_rng(4)
    one, other = random.gamma(2, 30, 400), random.gamma(2, 33, 300)
    treated, control = (Tally(len(each), each.sum(), (each**2).sum()) for each in (one, other))
    found = fixed_horizon(treated, control)
    theirs = CompareMeans(DescrStatsW(one), DescrStatsW(other)).zconfint_diff(usevar="unequal")
    assert found is not None
    assert (found.low, found.high) == pytest.approx(theirs, rel=1e-9)


def test_the_ordinary_interval_of_shares_is_that_of_wald() -> None:
    found = fixed_horizon(Tally.of_events(20_000, 1_200), Tally.of_events(10_000, 800), alpha=0.1)
    theirs = confint_proportions_2indep(1_200, 20_000, 800, 10_000, method="wald", compare="diff", alpha=0.1)
    assert found is not None
    assert (found.low, found.high) == pytest.approx(theirs, rel=1e-4)


def test_little_is_not_enough() -> None:
    assert enough(MINIMUM_CLIENTS, MINIMUM_EVENTS)
    assert not enough(MINIMUM_CLIENTS - 1, MINIMUM_EVENTS)
    assert not enough(MINIMUM_CLIENTS, MINIMUM_EVENTS - 1)
    assert not enough(10_000, 10_000 - MINIMUM_EVENTS + 1)


@pytest.mark.parametrize(("rate", "effect"), [(0.08, -0.02), (0.02, 0.005), (0.3, 0.1)])
def test_clients_needed_are_the_fewest_at_which_the_interval_is_narrow_enough(rate: float, effect: float) -> None:
    n = clients_needed(rate, effect, HALF)
    fewer, many = (difference(expected(each / 2, rate + effect), expected(each / 2, rate)) for each in (n - 4, n + 2))
    assert half(many) < abs(effect) < half(fewer)
    assert power(rate, effect, n, HALF) == pytest.approx(0.5, abs=0.01)


def test_uneven_arms_need_more_clients_and_shares_may_leave_other_arms_out() -> None:
    assert clients_needed(0.08, -0.02, (0.1, 0.9)) > clients_needed(0.08, -0.02, HALF)
    assert clients_needed(0.08, -0.02, (0.2, 0.2)) == clients_needed(0.08, -0.02, HALF)


@pytest.mark.parametrize(
    ("rate", "effect", "words"), [(0.1, 0.0, "effect of 0"), (0.9, 0.2, "0 and 1"), (-1, 1, "0 and 1")]
)
def test_impossible_effects_are_refused(rate: float, effect: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        clients_needed(rate, effect, HALF)


@pytest.mark.parametrize("n", [2_000, 6_000, 20_000])
def test_power_is_that_of_a_z_test_with_the_same_width(n: int) -> None:
    true, shown = math.sqrt(2 * (0.06 * 0.94 + 0.08 * 0.92)), math.sqrt(2 * (0.07 * 0.93 + 0.08 * 0.92))
    z = half(mean(tally(n, 0.0, 1.0))) * math.sqrt(n)
    theirs = normal_power_het(-0.02, n, 2 * NormalDist().cdf(-z), std_null=shown, std_alternative=true)
    assert power(0.08, -0.02, n, HALF) == pytest.approx(theirs, abs=1e-9)


def test_power_is_the_share_of_experiments_that_are_decided() -> None:
    random = np.random.default_rng(10)
    treated, control = random.binomial(1_000, 0.05, 2_000), random.binomial(4_000, 0.09, 2_000)
    pairs = zip(treated.tolist(), control.tolist(), strict=True)
    decided = [excludes_zero(estimate(Tally.of_events(1_000, a), Tally.of_events(4_000, b))) for a, b in pairs]
    assert np.mean(decided) == pytest.approx(power(0.09, -0.04, 5_000, (0.2, 0.8)), abs=0.04)


def test_power_grows_with_clients_and_stays_small_without_an_effect() -> None:
    powers = [power(0.08, -0.02, n, HALF) for n in (0, 1_000, 5_000, 10_000, 100_000)]
    assert powers == sorted(powers)
    assert powers[0] == 0
    assert powers[-1] > 0.999
    assert 0 < power(0.08, 0.0, 5_000, HALF) < ALPHA


def test_where_nothing_is_left_to_chance_the_width_alone_decides() -> None:
    assert [power(0.0, 1.0, n, HALF) for n in (10, 5_000)] == [0.0, 1.0]
    assert power(0.0, 0.0, 5_000, HALF) == 0.0


@pytest.mark.parametrize("churn", [0.02, 0.08])
def test_looking_500_times_names_few_false_winners_where_the_ordinary_interval_names_many(churn: float) -> None:
    random = np.random.default_rng(11)
    runs = [course(Truth(churn), 500, random) for _ in range(150)]
    always = [first_without(0.0, difference, days) for days in runs]
    ordinary = [first_without(0.0, fixed_horizon, days) for days in runs]
    assert sum(day is not None for day in always) <= ALPHA * len(runs)
    assert sum(day is not None for day in ordinary) > 0.25 * len(runs)


@pytest.mark.parametrize("truth", [Truth(0.08, effect=-0.02), Truth(0.08, effect=-0.02, treated=0.95, unevenness=1.0)])
def test_the_truth_is_covered_at_every_look_that_of_money_in_a_small_holdout_too(truth: Truth) -> None:
    random = np.random.default_rng(12)
    missed = [first_without(truth.effect, difference, course(truth, 200, random)) for _ in range(150)]
    assert sum(day is not None for day in missed) <= ALPHA * len(missed)


def test_a_true_effect_is_found() -> None:
    random = np.random.default_rng(14)
    found = [first_without(0.0, difference, course(Truth(0.08, effect=-0.02), 100, random)) for _ in range(100)]
    assert sum(day is not None for day in found) >= 95
