"""Drift, and the quality that scores promise, against definitions and scikit-learn."""

import math
import random

import pytest
from scipy.stats import chi2
from sklearn.metrics import brier_score_loss, roc_auc_score

from experiments.drift import shift
from experiments.expected import expected_quality


def test_the_index_is_that_of_the_definition() -> None:
    """With half a client added to each bin."""
    before, now = [400, 300, 200, 100], [100, 200, 300, 400]
    then = [(each + 0.5) / 1_002 for each in before]
    later = [(each + 0.5) / 1_002 for each in now]
    index = sum((b - a) * math.log(b / a) for a, b in zip(then, later, strict=True))
    found = shift(before, now)
    assert found.index == pytest.approx(index)
    assert found.chance == pytest.approx(2 / 1_000 * chi2.isf(1e-4, 3))
    assert found.level == "large"


def test_samples_of_one_distribution_raise_no_alarm() -> None:
    drawn = random.Random(11)
    for size in (100, 300, 5_000):
        for _ in range(50):
            before, now = ([0] * 10, [0] * 10)
            for counts in (before, now):
                for _client in range(size):
                    counts[min(9, int(drawn.expovariate(3) * 10))] += 1
            assert shift(before, now).level == "stable"


def test_a_handful_of_clients_tells_nothing() -> None:
    assert shift([500, 500], [0, 99]).level == "unknown"


def test_a_new_category_of_some_clients_is_a_moderate_shift() -> None:
    assert shift([3_000, 3_000, 0], [2_800, 2_700, 140]).level == "moderate"


def test_no_rows_are_no_shift() -> None:
    with pytest.raises(ValueError, match="both sides"):
        shift([1, 2], [0, 0])


def test_expected_quality_is_what_every_client_counted_both_ways_has() -> None:
    drawn = random.Random(5)
    scores = [round(drawn.betavariate(1, 4), 2) for _ in range(400)]
    found = expected_quality(scores)
    assert found is not None
    truth, both = [1] * 400 + [0] * 400, [*scores, *scores]
    weights = [*scores, *(1 - score for score in scores)]
    assert found.auc == pytest.approx(roc_auc_score(truth, both, sample_weight=weights))
    assert found.brier == pytest.approx(brier_score_loss(truth, both, sample_weight=weights))
    assert found.rate == pytest.approx(sum(scores) / 400)


def test_expected_auc_is_met_where_scores_are_calibrated() -> None:
    drawn = random.Random(7)
    scores = [drawn.betavariate(1, 4) for _ in range(20_000)]
    left = [drawn.random() < score for score in scores]
    found = expected_quality(scores)
    assert found is not None
    assert found.auc == pytest.approx(roc_auc_score(left, scores), abs=0.01)


def test_no_scores_promise_nothing_and_certain_ones_no_auc() -> None:
    assert expected_quality([]) is None
    certain = expected_quality([0.0, 0.0])
    assert certain is not None
    assert certain.auc is None
