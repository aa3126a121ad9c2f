"""Quality from counts of scores against scikit-learn on the rows themselves, and shifts against a hand calculation."""

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, roc_auc_score

from experiments.quality import Quality, ScoreBin, quality, stability_index

BINS = st.lists(
    st.tuples(st.integers(0, 10_000), st.integers(0, 40), st.integers(0, 40)).map(
        lambda drawn: ScoreBin(drawn[0] / 10_000, drawn[1] + drawn[2], drawn[2])
    ),
    max_size=30,
)


def rows(bins: list[ScoreBin]) -> tuple[np.ndarray, np.ndarray]:
    """Outcome and score of each client."""
    clients = [(float(k < each.churned), each.score) for each in bins for k in range(each.n)]
    return np.array([y for y, _ in clients]), np.array([score for _, score in clients])


def judged(*bins: tuple[float, int, int]) -> Quality:
    found = quality([ScoreBin(*each) for each in bins])
    assert found is not None
    return found


def uniform(low: int, high: int, each: int = 10) -> list[ScoreBin]:
    """`each` clients at every hundredth from `low` up to `high`."""
    return [ScoreBin(score / 100, each, 0) for score in range(low, high)]


@given(BINS)
def test_it_equals_scikit_learn_on_the_rows(bins: list[ScoreBin]) -> None:
    y, p = rows(bins)
    found = quality(bins)
    if not len(y):
        assert found is None
        return
    assert found is not None
    assert (found.n, found.churned) == (len(y), y.sum())
    assert found.brier == pytest.approx(brier_score_loss(y, p, pos_label=1), abs=1e-12)
    if 0 < y.sum() < len(y):
        assert found.auc == pytest.approx(roc_auc_score(y, p), abs=1e-12)
    else:
        assert found.auc is None


@given(BINS)
def test_calibration_error_equals_that_of_the_rows(bins: list[ScoreBin]) -> None:
    y, p = rows(bins)
    found = quality(bins)
    if found is not None:
        places = [p >= 0.9, *((p >= tenth / 10) & (p < (tenth + 1) / 10) for tenth in range(9))]
        gaps = [abs((p - y)[place].sum()) for place in places]
        assert found.ece == pytest.approx(sum(gaps) / len(y), abs=1e-12)


@given(BINS, st.randoms(use_true_random=False))
def test_neither_order_nor_splitting_of_bins_matters(bins: list[ScoreBin], random: Random) -> None:
    split = [ScoreBin(each.score, each.churned, each.churned) for each in bins]
    split += [ScoreBin(each.score, each.n - each.churned, 0) for each in bins]
    random.shuffle(split)
    one, other = quality(bins), quality(split)
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert other.auc == pytest.approx(one.auc)
        assert (other.brier, other.ece) == pytest.approx((one.brier, one.ece))


def test_a_sure_and_right_model_is_perfect() -> None:
    assert judged((1.0, 10, 10), (0.0, 90, 0)) == Quality(100, 10, 1.0, 0.0, 0.0)


def test_one_score_for_all_ranks_nobody() -> None:
    found = judged((0.2, 100, 20))
    assert found.auc == 0.5
    assert found.ece == pytest.approx(0.0)


def test_by_hand() -> None:
    found = judged((0.1, 2, 0), (0.3, 2, 1), (0.9, 1, 1))
    assert found.auc == pytest.approx((1 * 3 + 2 + 0.5) / 6)
    assert found.brier == pytest.approx((2 * 0.01 + 0.49 + 0.09 + 0.01) / 5)
    assert found.ece == pytest.approx((0.2 + 0.4 + 0.1) / 5)


def test_without_leavers_there_is_no_ranking() -> None:
    assert judged((0.1, 5, 0), (0.4, 5, 0)).auc is None


def test_nobody_has_no_quality() -> None:
    assert quality([]) is None
    assert quality([ScoreBin(0.5, 0, 0)]) is None


@given(BINS.filter(lambda bins: any(each.n for each in bins)))
def test_the_same_scores_have_not_shifted(bins: list[ScoreBin]) -> None:
    assert stability_index(bins, bins[::-1]) == 0


@given(*[BINS.filter(lambda bins: any(each.n for each in bins))] * 2)
def test_a_shift_is_never_negative(one: list[ScoreBin], other: list[ScoreBin]) -> None:
    assert stability_index(one, other) >= 0


def test_a_shift_by_hand() -> None:
    """All of a hundred scores of ten clients each in the upper half: five deciles empty, five doubled."""
    empty, full = 0.5 / 1005, 200.5 / 1005
    before = 100.5 / 1005
    by_hand = 5 * ((empty - before) * math.log(empty / before) + (full - before) * math.log(full / before))
    assert stability_index(uniform(0, 100), uniform(50, 100, each=20)) == pytest.approx(by_hand)


def test_a_larger_shift_is_a_larger_figure() -> None:
    small, large = (stability_index(uniform(0, 60), uniform(by, 60 + by)) for by in (2, 20))
    assert 0 < small < 0.1
    assert large > 0.25


@pytest.mark.parametrize("score", [0.1, 0.7])
def test_a_move_off_a_common_score_is_seen_on_either_side(score: float) -> None:
    common = [ScoreBin(0.3, 900, 0), ScoreBin(0.5, 100, 0)]
    moved = [ScoreBin(0.3, 500, 0), ScoreBin(score, 400, 0), ScoreBin(0.5, 100, 0)]
    assert stability_index(common, moved) > 0.25


@pytest.mark.parametrize(("one", "other"), [(uniform(0, 9), []), ([], uniform(0, 9)), ([ScoreBin(0.5, 0, 0)], [])])
def test_a_shift_needs_clients_on_both_sides(one: list[ScoreBin], other: list[ScoreBin]) -> None:
    with pytest.raises(ValueError, match="both sides"):
        stability_index(one, other)
