"""How well one column alone tells who left: too well means that it was written after the fact."""

import numpy as np
import numpy.typing as npt

from modeling.columns import Column

ALARM = 0.90  # honest columns of real tables reach about 0.86, leaking ones start at 0.93
ALARM_BY_NAME = 0.80  # for columns named like something that is written when a customer leaves
BINS = 64
FOLDS = 5
SMOOTHING = 5.0  # customers at the base rate that each bin is credited with

Flags = npt.NDArray[np.bool_]
Bins = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float64]


def single_column_auc(column: Column, left: Flags) -> float:
    """Cross-validated ROC AUC of the churn rate in bins of this column alone, a gap being a bin of its own.

    `left` has shape (N,). Five folds drawn by a fixed seed; the rates of a fold's rows come from the others.
    """
    bins = _bins(column)
    folds = np.random.default_rng(0).integers(FOLDS, size=len(left))
    scores = np.empty(len(left))
    for fold in range(FOLDS):
        held = folds == fold
        scores[held] = _rates(bins, left, ~held)[bins[held]]
    return roc_auc(scores, left)


def _bins(column: Column) -> Bins:
    """The place of each row among quantiles of a number or date, or among categories; 0 for a gap."""
    if column.kind == "category":
        return np.nan_to_num(column.cells + 1).astype(np.int64)
    filled = column.cells[~column.gaps]
    distinct = np.unique(filled)
    edges = distinct if len(distinct) <= BINS else np.unique(np.quantile(filled, np.linspace(0, 1, BINS)))
    return np.where(column.gaps, 0, np.searchsorted(edges, np.nan_to_num(column.cells)) + 1)


def _rates(bins: Bins, left: Flags, learned: Flags) -> Scores:
    """The smoothed churn rate of each bin over the learned rows."""
    size = int(bins.max()) + 1
    rows = np.bincount(bins[learned], minlength=size)
    leavers = np.bincount(bins[learned], weights=left[learned], minlength=size)
    rates: Scores = (leavers + SMOOTHING * left[learned].mean()) / (rows + SMOOTHING)
    return rates


def roc_auc(scores: Scores, left: Flags) -> float:
    """The chance that one who left has the higher score than one who stayed, ties counting half."""
    _, places = np.unique(scores, return_inverse=True)
    leavers, stayers = np.bincount(places, weights=left), np.bincount(places, weights=~left)
    below = np.cumsum(stayers) - stayers
    return float((leavers * (below + stayers / 2)).sum() / (leavers.sum() * stayers.sum()))
