"""A forest whose trees use one column each, as what it is: one step function a column.

The log-odds are a sum of the columns' terms, so each term is the column's exact contribution.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modeling.forest import Forest, Tree

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Steps:
    """The term of one column: `values[i]` up to and including `thresholds[i]`, `gap` for NaN."""

    thresholds: Doubles
    values: Doubles
    gap: float

    def at(self, column: Floats) -> Doubles:
        """The term of each row, (N,)."""
        found = self.values[np.searchsorted(self.thresholds, column, side="left")]
        return np.where(np.isnan(column), self.gap, found)

    def shifted(self, by: float) -> "Steps":
        return Steps(self.thresholds, self.values + by, self.gap + by)


@dataclass(frozen=True, slots=True)
class Additive:
    """`base` plus the terms is the log-odds; each term has mean 0 over the rows it was centred on."""

    steps: tuple[Steps, ...]
    base: float


def additive_of(forest: Forest, rows: Floats) -> Additive:
    """The terms of a forest, centred over `rows`. Raises ValueError when a tree uses two columns."""
    raw = [_steps(forest, column) for column in range(forest.features)]
    means = [float(steps.at(rows[:, column]).mean()) for column, steps in enumerate(raw)]
    constant = sum(float(tree.value[0]) for tree in forest.trees if not len(tree.feature))
    steps = tuple(one.shifted(-mean) for one, mean in zip(raw, means, strict=True))
    return Additive(steps, forest.bias + constant + sum(means))


def _steps(forest: Forest, column: int) -> Steps:
    trees = [tree for tree in forest.trees if column in tree.feature]
    if any(len(np.unique(tree.feature)) > 1 for tree in trees):
        raise ValueError("a tree of an additive forest uses two columns")
    splits = [tree.threshold for tree in trees]
    thresholds = np.unique(np.concatenate(splits)) if splits else np.zeros(0)
    points = np.concatenate((thresholds, [np.inf, np.nan]))
    total = sum((_walk(tree, points) for tree in trees), np.zeros(len(points)))
    return Steps(thresholds, total[:-1], float(total[-1]))


def _walk(tree: Tree, points: Doubles) -> Doubles:
    """The value of a one-column tree at each point."""
    node = np.zeros(len(points), np.int64)
    while (inside := node >= 0).any():
        at, x = node[inside], points[inside]
        left = np.where(np.isnan(x), tree.nan_left[at], x <= tree.threshold[at])
        node[inside] = np.where(left, tree.left[at], tree.right[at])
    return tree.value[-node - 1]


def step_tree(steps: Steps, column: int) -> Tree:
    """The steps as one balanced tree behind a first node that sends NaN to a leaf of its own."""
    count = len(steps.thresholds)
    largest = float(np.finfo(np.float32).max)
    threshold = np.concatenate(([largest], steps.thresholds))
    left, right = np.zeros(count + 1, np.int64), np.zeros(count + 1, np.int64)
    left[0], right[0] = _balance(0, count, left, right), -(count + 2)
    return Tree(
        feature=np.full(count + 1, column, np.int64),
        threshold=threshold,
        nan_left=np.zeros(count + 1, np.bool_),
        left=left,
        right=right,
        value=np.concatenate((steps.values, [steps.gap])),
        count=np.ones(count + 2),
        inner_count=np.ones(count + 1),
    )


def _balance(low: int, high: int, left: npt.NDArray[np.int64], right: npt.NDArray[np.int64]) -> int:
    """Links nodes for the leaves `low` to `high`; node m + 1 asks threshold m. Returns the top one."""
    if low == high:
        return -low - 1
    middle = (low + high) // 2
    left[middle + 1] = _balance(low, middle, left, right)
    right[middle + 1] = _balance(middle + 1, high, left, right)
    return middle + 1
