"""Mends probabilities that are too bold or too shy, where out-of-fold predictions show it."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from modeling.evaluate import OutOfFold
from modeling.metrics import ece, ece_by_chance, log_odds, sigmoid

Doubles = npt.NDArray[np.float64]

BEARABLE, BEARABLE_IF_FEW, FEW = 0.02, 0.03, 4_000
CHANCE = 1.5  # times what perfectly calibrated probabilities would show on so few rows
STEPS = 50


@dataclass(frozen=True, slots=True)
class Calibration:
    """New log-odds are `slope` times the old plus `intercept`; `said` tells what was found."""

    slope: float
    intercept: float
    said: str

    @property
    def needed(self) -> bool:
        return (self.slope, self.intercept) != (1.0, 0.0)


def calibrate(y: Doubles, found: OutOfFold) -> Calibration:
    """A sigmoid if the pooled calibration error is too large and a sigmoid lowers it, else nothing."""
    once = np.ones(len(y))
    bearable = max(BEARABLE_IF_FEW if len(y) < FEW else BEARABLE, CHANCE * ece_by_chance(found.pooled))
    before = ece(y, found.pooled, once)
    if before <= bearable:
        return Calibration(
            1.0, 0.0, f"none: the pooled calibration error is {before:.3f}, bearable up to {bearable:.3f}"
        )
    after = ece(y, _across_folds(y, found).pooled, once)
    if after >= before:
        return Calibration(1.0, 0.0, f"none: a sigmoid would not lower the pooled error of {before:.3f}")
    said = f"sigmoid: it lowers the pooled calibration error from {before:.3f} to {after:.3f}"
    return Calibration(*fit_sigmoid(y, found.pooled), said)


def mended(y: Doubles, found: OutOfFold, calibration: Calibration) -> OutOfFold:
    """The predictions as such a calibration leaves them: each fold is mended by what the other folds show, so
    that the figures stay out of fold."""
    return _across_folds(y, found) if calibration.needed else found


def fit_sigmoid(y: Doubles, p: Doubles) -> tuple[float, float]:
    """Slope and intercept by maximum likelihood, with Platt's targets (1999): by Newton's steps, halved where a
    whole one overshoots."""
    leavers, stayers = float(y.sum()), float(len(y) - y.sum())
    target = np.where(y > 0, (leavers + 1) / (leavers + 2), 1 / (stayers + 2))
    inputs = np.column_stack((log_odds(p), np.ones(len(p))))
    weights = np.array([1.0, 0.0])
    for _ in range(STEPS):
        q = sigmoid(inputs @ weights)
        curvature = (inputs * (q * (1 - q))[:, np.newaxis]).T @ inputs + 1e-9 * np.eye(2)
        step = np.asarray(np.linalg.solve(curvature, inputs.T @ (q - target)), np.float64)
        weights = _descended(inputs, target, weights, step)
    return float(weights[0]), float(weights[1])


def _descended(inputs: Doubles, target: Doubles, weights: Doubles, step: Doubles) -> Doubles:
    before = _loss(inputs, target, weights)
    for halvings in range(30):
        lower: Doubles = weights - step / 2**halvings
        if _loss(inputs, target, lower) <= before:
            return lower
    return weights


def _loss(inputs: Doubles, target: Doubles, weights: Doubles) -> float:
    odds = inputs @ weights
    return float((np.logaddexp(0, odds) - target * odds).mean())


def _across_folds(y: Doubles, found: OutOfFold) -> OutOfFold:
    better = found.predictions.copy()
    for seed, (folds, p) in enumerate(zip(found.folds, found.predictions, strict=True)):
        for number in np.unique(folds):
            inside = folds == number
            slope, intercept = fit_sigmoid(y[~inside], p[~inside])
            better[seed, inside] = sigmoid(log_odds(p[inside]) * slope + intercept)
    return replace(found, predictions=better)
