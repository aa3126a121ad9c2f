"""What to believe of a trained model: held-out figures with intervals, figures over folds, the cutoff."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from modeling.card import Interval
from modeling.metrics import FIGURES, ece, figures, log_losses

Doubles = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

ROWS_TO_DRAW = 2_000_000  # on large tables fewer resamples say the same
CUTOFF_CRITERION = (
    "highest F1 of the out-of-fold predictions: it needs no figures of cost, and weighs a wasted contact "
    "evenly against a missed leaver"
)


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """Predictions for every row by models that saw neither the row nor its twins.

    `folds` and `predictions` have shape (seeds, N).
    """

    folds: Integers
    predictions: Doubles

    @property
    def pooled(self) -> Doubles:
        """Mean prediction of each row over the seeds, (N,)."""
        return np.asarray(self.predictions.mean(axis=0))

    def rows(self, chosen: npt.NDArray[np.bool_]) -> "OutOfFold":
        return OutOfFold(self.folds[:, chosen], self.predictions[:, chosen])


def held_out_metrics(y: Doubles, p: Doubles, groups: Integers, resamples: int, seed: int = 0) -> dict[str, Interval]:
    """Each figure on the held-out rows with its 95 % percentile bootstrap interval.

    Whole groups are drawn, since twins are not independent rows (Efron and Tibshirani, 1993, chapter 13;
    Field and Welsh, 2007). The interval is widened to hold the estimate, which resampling inflates for the
    calibration error.
    """
    _, index = np.unique(groups, return_inverse=True)
    count = int(index.max()) + 1
    random = np.random.default_rng(seed)
    enough = int(np.clip(ROWS_TO_DRAW // len(y), 50, resamples))
    draws = [figures_of(y, p, _weights(index, count, random)) for _ in range(enough)]
    once = figures_of(y, p, np.ones(len(y)))
    return {name: _interval(once[name], [draw[name] for draw in draws]) for name in FIGURES}


def figures_of(y: Doubles, p: Doubles, w: Doubles) -> dict[str, float]:
    return {name: figure(y, p, w) for name, figure in FIGURES.items()}


def _weights(index: Integers, count: int, random: np.random.Generator) -> Doubles:
    drawn = np.bincount(random.integers(0, count, count), minlength=count)
    return drawn[index].astype(np.float64)


def _interval(estimate: float, draws: list[float]) -> Interval:
    finite = [draw for draw in draws if np.isfinite(draw)] or [estimate]
    low, high = np.quantile(finite, (0.025, 0.975))
    return Interval(mean=estimate, low=min(float(low), estimate), high=max(float(high), estimate))


def cross_validated(y: Doubles, out_of_fold: OutOfFold) -> dict[str, Any]:
    """Mean and standard deviation of each figure over all folds of all seeds, and the pooled ECE.

    The pooled one is over the mean prediction of each row: that of a single fold is mostly noise.
    """
    parts = [
        figures(y[fold == number], p[fold == number])
        for fold, p in zip(out_of_fold.folds, out_of_fold.predictions, strict=True)
        for number in np.unique(fold)
    ]
    summary: dict[str, Any] = {name: _spread([part[name] for part in parts]) for name in FIGURES}
    seeds, folds = len(out_of_fold.folds), len(parts) // len(out_of_fold.folds)
    pooled = ece(y, out_of_fold.pooled, np.ones(len(y)))
    return summary | {"folds": folds, "seeds": seeds, "pooled_ece": pooled}


def _spread(values: list[float]) -> dict[str, float]:
    return {"mean": float(np.mean(values)), "std": float(np.std(values))}


def best_cutoff(y: Doubles, p: Doubles) -> float:
    """The cutoff with the highest F1 among 0.01, 0.02, …, 0.99; the middle one where several are equal."""
    cutoffs = np.arange(1, 100) / 100
    flagged = p[:, np.newaxis] >= cutoffs
    hits = (flagged * y[:, np.newaxis]).sum(axis=0)
    f1 = 2 * hits / np.maximum(flagged.sum(axis=0) + y.sum(), 1)
    best = np.flatnonzero(f1 >= f1.max() - 1e-12)
    return float(cutoffs[best[len(best) // 2]])


def choose(y: Doubles, candidates: dict[str, Doubles], preferred: str) -> tuple[str, str]:
    """The winner by log loss, and why: `preferred` when the best is not better by more than one standard
    error of the paired difference (Hastie, Tibshirani and Friedman, 2009, section 7.10)."""
    losses = {name: log_losses(y, p) for name, p in candidates.items()}
    best = min(losses, key=lambda name: float(losses[name].mean()))
    if preferred not in losses or best == preferred:
        return best, f"{best} has the lowest out-of-fold log loss, {losses[best].mean():.4f}"
    gap = losses[preferred] - losses[best]
    error = float(gap.std(ddof=1) / np.sqrt(len(gap)))
    said = f"the log loss of {best} is {gap.mean():.4f} below that of {preferred}, standard error {error:.4f}"
    if gap.mean() <= error:
        return preferred, f"{said}: no better than {preferred}, which explains itself"
    return best, said
