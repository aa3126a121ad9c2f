"""Splits that keep twins together and the share of leavers even."""

from heapq import heapify, heappop, heappush

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def assign_folds(y: Doubles, groups: Integers, folds: int, seed: int) -> Integers:
    """The fold of each row, (N,), 0 to `folds` - 1.

    Rows of one group share a fold. Groups are dealt in random order, large ones first, each to the fold
    that has the fewest rows so far of the label that most of its rows have.
    """
    _, index = np.unique(groups, return_inverse=True)
    size = np.bincount(index)
    leaving = np.bincount(index, weights=y) * 2 > size
    shuffled = np.random.default_rng(seed).permutation(len(size))
    order = shuffled[np.argsort(-size[shuffled], kind="stable")]
    fold = np.empty(len(size), np.int64)
    for label in (True, False):
        _deal(order[leaving[order] == label], size, fold, folds)
    return fold[index]


def _deal(order: Integers, size: Integers, fold: Integers, folds: int) -> None:
    filled = [(0, number) for number in range(folds)]
    heapify(filled)
    for group in order.tolist():
        rows, number = heappop(filled)
        fold[group] = number
        heappush(filled, (rows + int(size[group]), number))
