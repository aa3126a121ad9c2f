"""What is concluded from predictions: intervals, the cutoff, the winner, and when to mend."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from modeling.calibration import calibrate, fit_sigmoid, mended
from modeling.evaluate import OutOfFold, best_cutoff, choose, cross_validated, held_out_metrics
from modeling.folds import assign_folds
from modeling.metrics import ece, figures, log_odds, roc_auc, sigmoid

Doubles = npt.NDArray[np.float64]


def world(rows: int = 6000, seed: int = 0) -> tuple[Doubles, Doubles]:
    """True probabilities, and labels drawn from them."""
    random = np.random.default_rng(seed)
    p = sigmoid(random.normal(-1, 1.5, rows))
    return p, (random.random(rows) < p).astype(np.float64)


def out_of_fold(y: Doubles, predictions: Doubles, seeds: int = 2) -> OutOfFold:
    folds = np.stack([assign_folds(y, np.arange(len(y)), 5, seed) for seed in range(seeds)])
    return OutOfFold(folds, np.stack([predictions] * seeds))


def test_intervals_hold_their_estimate_and_narrow_with_rows() -> None:
    p, y = world(4000)
    whole = held_out_metrics(y, p, np.arange(4000), 200)
    part = held_out_metrics(y[:400], p[:400], np.arange(400), 200)
    assert whole["roc_auc"].mean == roc_auc(y, p, np.ones(4000))
    for name, found in whole.items():
        assert found.low <= found.mean <= found.high
        assert part[name].high - part[name].low > 1.5 * (found.high - found.low)


def test_intervals_cover_the_truth() -> None:
    p, y = world(400_000, seed=99)
    truth = roc_auc(y, p, np.ones(400_000))
    covered = 0
    for seed in range(100):
        p, y = world(300, seed)
        found = held_out_metrics(y, p, np.arange(300), 100)["roc_auc"]
        covered += found.low <= truth <= found.high
    assert 88 <= covered <= 99


def test_twins_widen_the_interval() -> None:
    p, y = world(500)
    alone = held_out_metrics(y, p, np.arange(500), 200)["roc_auc"]
    groups = np.repeat(np.arange(500), 4)
    twins = held_out_metrics(np.repeat(y, 4), np.repeat(p, 4), groups, 200)["roc_auc"]
    assert twins.high - twins.low == pytest.approx(alone.high - alone.low, rel=0.2)


def test_the_interval_is_the_same_every_time() -> None:
    p, y = world(300)
    assert held_out_metrics(y, p, np.arange(300), 50) == held_out_metrics(y, p, np.arange(300), 50)


def test_fold_figures_are_averaged_and_the_pooled_error_is_of_the_mean_prediction() -> None:
    p, y = world(1000)
    found = out_of_fold(y, p)
    found.predictions[1] = np.clip(p + 0.1, 0, 1)
    said = cross_validated(y, found)
    parts = [figures(y[f == k], q[f == k])["roc_auc"] for f, q in zip(*unpacked(found), strict=True) for k in range(5)]
    assert said["roc_auc"] == {"mean": pytest.approx(np.mean(parts)), "std": pytest.approx(np.std(parts))}
    assert (said["folds"], said["seeds"]) == (5, 2)
    assert said["pooled_ece"] == pytest.approx(ece(y, found.predictions.mean(axis=0), np.ones(1000)))


def unpacked(found: OutOfFold) -> tuple[npt.NDArray[np.int64], Doubles]:
    return found.folds, found.predictions


def f1(y: Doubles, p: Doubles, cutoff: float) -> float:
    flagged = p >= cutoff
    return float(2 * (flagged * y).sum() / (flagged.sum() + y.sum()))


def test_the_cutoff_has_the_highest_f1_and_is_about_half_of_it() -> None:
    p, y = world(50_000)
    cutoff = best_cutoff(y, p)
    best = max(f1(y, p, one / 100) for one in range(1, 100))
    assert f1(y, p, cutoff) == pytest.approx(best)
    assert cutoff == pytest.approx(best / 2, abs=0.05)  # Lipton, Elkan and Naryanaswamy, 2014, theorem 1


@pytest.mark.parametrize("p", [0.0, 0.004, 0.999, 1.0])
def test_the_cutoff_stays_between_one_and_ninety_nine_percent(p: float) -> None:
    y = np.tile([1.0, 0.0], 50)
    assert 0.01 <= best_cutoff(y, np.full(100, p)) <= 0.99


def test_the_better_model_wins_unless_the_preferred_one_is_as_good() -> None:
    p, y = world(5000)
    noise = np.random.default_rng(3).normal(size=5000)
    as_good, worse = sigmoid(log_odds(p) + 0.02 * noise), sigmoid(log_odds(p) + 0.9 * noise)
    assert choose(y, {"boosted": p, "additive": as_good}, "additive")[0] == "additive"
    assert choose(y, {"boosted": p, "additive": worse}, "additive")[0] == "boosted"
    assert choose(y, {"boosted": p, "other": worse}, "additive")[0] == "boosted"
    assert choose(y, {"boosted": worse, "additive": p}, "additive")[0] == "additive"
    assert "standard error" in choose(y, {"boosted": p, "additive": worse}, "additive")[1]


def test_good_probabilities_are_left_alone() -> None:
    p, y = world()
    found = out_of_fold(y, p)
    calibration = calibrate(y, found)
    assert not calibration.needed
    assert mended(y, found, calibration) is found


def test_a_hundred_rows_are_too_few_to_tell_noise_from_error() -> None:
    needed = [calibrate(y, out_of_fold(y, p)).needed for p, y in (world(100, seed) for seed in range(40))]
    assert sum(needed) <= 6


def test_bold_probabilities_are_mended_and_judged_out_of_fold() -> None:
    p, y = world()
    found = out_of_fold(y, sigmoid(log_odds(p) * 2.5 + 0.5))
    calibration = calibrate(y, found)
    assert calibration.needed
    assert calibration.slope == pytest.approx(0.4, abs=0.05)
    assert calibration.intercept == pytest.approx(-0.2, abs=0.08)
    better = mended(y, found, calibration)
    assert ece(y, better.pooled, np.ones(len(y))) < 0.02 < ece(y, found.pooled, np.ones(len(y)))
    folds = better.folds[0] == 0
    flipped = y.copy()
    flipped[folds] = 1 - flipped[folds]
    again = mended(flipped, found, calibration)
    np.testing.assert_array_equal(again.predictions[0, folds], better.predictions[0, folds])


def test_what_a_sigmoid_cannot_mend_is_left_and_said() -> None:
    """Both ends are too shy by as much as the middle is right: no straight line in log-odds mends that."""
    y = np.concatenate([np.repeat([1.0, 0.0], [hits, 1000 - hits]) for hits in (300, 100, 900, 700)])
    said = np.repeat([0.05, 0.35, 0.65, 0.95], 1000)
    found = out_of_fold(y, said)
    calibration = calibrate(y, found)
    after = ece(y, mended(y, found, calibration).pooled, np.ones(len(y)))
    assert after <= ece(y, said, np.ones(len(y)))
    assert calibration.needed is calibration.said.startswith("sigmoid")


def test_a_sigmoid_is_fitted_to_certainties_too() -> None:
    y = np.tile([1.0, 0.0], 500)
    slope, intercept = fit_sigmoid(y, y)
    assert np.isfinite([slope, intercept]).all()
    assert sigmoid(log_odds(y) * slope + intercept) == pytest.approx(y, abs=0.01)


def test_balanced_weights_are_undone() -> None:
    """The odds of a model trained on balanced classes are off by one factor."""
    p, y = world(20_000)
    slope, intercept = fit_sigmoid(y, sigmoid(log_odds(p) + 1.3))
    assert slope == pytest.approx(1, abs=0.05)
    assert intercept == pytest.approx(-1.3, abs=0.1)


def test_rows_of_the_predictions_can_be_chosen() -> None:
    p, y = world(100)
    found = out_of_fold(y, p).rows(y == 1)
    assert found.predictions.shape == (2, int(y.sum()))
    assert replace(found).pooled.tolist() == pytest.approx(p[y == 1].tolist())
