"""Every figure against scikit-learn, a hand calculation, or what it must be by definition."""

import numpy as np
import pytest
from sklearn import metrics as oracle

from modeling.metrics import FIGURES, brier, ece, ece_by_chance, figures, log_loss, pr_auc, roc_auc, top_decile_lift


def sample(rows: int = 2000, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, probabilities with many ties, whole weights with many zeros."""
    random = np.random.default_rng(seed)
    p = np.round(random.random(rows), 2)
    return (random.random(rows) < p).astype(float), p, random.integers(0, 4, rows).astype(float)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (roc_auc, oracle.roc_auc_score),
        (pr_auc, oracle.average_precision_score),
        (brier, oracle.brier_score_loss),
    ],
)
def test_weighted_figures_equal_the_oracle(ours: object, theirs: object) -> None:
    y, p, w = sample()
    assert ours(y, p, w) == pytest.approx(theirs(y, p, sample_weight=w), abs=1e-12)  # type: ignore[operator]


def test_log_loss_equals_the_oracle_away_from_certainty() -> None:
    y, p, w = sample()
    q = np.clip(p, 0.01, 0.99)
    assert log_loss(y, q, w) == pytest.approx(oracle.log_loss(y, q, sample_weight=w), abs=1e-12)


def test_a_sure_mistake_costs_much_but_not_everything() -> None:
    assert 10 < log_loss(np.array([1.0]), np.array([0.0]), np.ones(1)) < 20


@pytest.mark.parametrize("name", FIGURES)
def test_a_weight_counts_like_that_many_rows(name: str) -> None:
    y, p, w = sample()
    times = w.astype(int)
    repeated = FIGURES[name](np.repeat(y, times), np.repeat(p, times), np.ones(times.sum()))
    assert FIGURES[name](y, p, w) == pytest.approx(repeated, abs=1e-12)


def test_lift_of_a_perfect_ranking_is_bounded_by_the_rate_and_that_of_none_is_one() -> None:
    y = np.repeat([1.0, 0.0], [20, 80])
    assert top_decile_lift(y, y, np.ones(100)) == pytest.approx(5.0)
    assert top_decile_lift(y, np.full(100, 0.3), np.ones(100)) == pytest.approx(1.0)


def test_calibration_error_by_hand() -> None:
    p = np.array([0.05, 0.05, 0.95, 0.95])
    y = np.array([0.0, 1.0, 1.0, 1.0])
    assert ece(y, p, np.ones(4)) == pytest.approx((abs(0.1 - 1) + abs(1.9 - 2)) / 4)


def test_calibration_error_counts_a_probability_of_one() -> None:
    assert ece(np.zeros(2), np.ones(2), np.ones(2)) == 1.0


def test_a_ranking_needs_both_labels() -> None:
    found = figures(np.zeros(10), np.linspace(0, 1, 10))
    assert np.isnan([found["roc_auc"], found["pr_auc"], found["top_decile_lift"]]).all()
    assert np.isfinite([found["log_loss"], found["brier"], found["ece"]]).all()


def test_perfect_probabilities_show_the_error_of_chance() -> None:
    random = np.random.default_rng(6)
    p = random.beta(1, 3, 1500)
    seen = [ece((random.random(1500) < p).astype(float), p, np.ones(1500)) for _ in range(200)]
    assert ece_by_chance(p) == pytest.approx(np.mean(seen), rel=0.1)
