"""Exact reasons of small trees by a look-up instead of a walk.

What tree SHAP says of a tree depends only on how the tree's questions are answered. Where no tree asks more than
`MOST_QUESTIONS`, LightGBM's library explains each set of answers that a row can give once, when the model is opened;
the effects of a row are then a sum over the tables of all trees.
"""

from itertools import product

import numpy as np

from modeling.explain import Doubles, Floats, TreeExplainer
from modeling.forest import Forest, Tree
from modeling.tree_text import tree_text

MOST_QUESTIONS = 6  # as of trees that ask one question a level, six levels deep: a table of at most 64 rows a tree
NEARLY_ZERO = 1.1e-35  # LightGBM's library takes for 0 what is nearer to it than about this
Question = tuple[int, float, bool]  # feature, threshold, nan_left


class TabledExplainer:
    """The same numbers as a TreeExplainer's, for any number of threads.

    An answer is a bit: whether `sign * x > border`, which no gap (NaN) is. With the sign and border of `_asked` that
    means right where gaps go left, and left where gaps go right.
    """

    def __init__(self, forest: Forest) -> None:
        asked = [_questions(tree) for tree in forest.trees]
        shape = len(asked), max(map(len, asked))
        self._feature = np.zeros(shape, np.int64)
        self._sign, self._border = np.ones(shape, np.float32), np.full(shape, np.inf, np.float32)
        self._first = np.arange(shape[0]) << shape[1]
        self._table = np.zeros((shape[0] << shape[1], shape[1]))
        self._places = self._feature.reshape(-1)
        for number, questions in enumerate(asked):
            for place, question in enumerate(questions):
                at = number, place
                self._feature[at], self._sign[at], self._border[at] = _asked(question)
        self._base = np.zeros(forest.features + 1)
        self._base[-1] = forest.bias
        for number, questions in enumerate(asked):
            self._explain(forest, number, questions)

    def explain(self, row: Floats) -> Doubles:
        """(F + 1,) for one row (F,): the effect of each feature, then the base; they sum to the log-odds."""
        bits = row[self._feature] * self._sign > self._border
        found = self._table[self._first + np.packbits(bits, axis=1, bitorder="little")[:, 0]]
        return self._base + np.bincount(self._places, found.reshape(-1), len(self._base))

    def explain_many(self, matrix: Floats) -> Doubles:
        """(N, F + 1) for (N, F)."""
        return np.array([self.explain(row) for row in matrix]).reshape(-1, len(self._base))

    def _explain(self, forest: Forest, number: int, questions: list[Question]) -> None:
        """Fills one tree's part of the table. A feature's effect stands at its first question."""
        tree = Forest(forest.trees[number : number + 1], forest.features)
        rows, asked = _rows(questions, forest.features), slice(0, len(questions))
        found = TreeExplainer(tree_text(tree), forest.features).explain_many(rows)
        bits = rows[:, self._feature[number, asked]] * self._sign[number, asked] > self._border[number, asked]
        answers = np.packbits(bits, axis=1, bitorder="little")[:, :1]
        chosen, places = np.unique(self._feature[number, asked], return_index=True)
        self._table[self._first[number] + answers, places] = found[:, chosen]
        self._base[-1] += found[0, -1]


def may_be_tabled(forest: Forest) -> bool:
    return 0 < max((len(_questions(tree)) for tree in forest.trees), default=0) <= MOST_QUESTIONS


def _questions(tree: Tree) -> list[Question]:
    return sorted(set(zip(tree.feature.tolist(), tree.threshold.tolist(), tree.nan_left.tolist(), strict=True)))


def _asked(question: Question) -> tuple[int, np.float32, np.float32]:
    feature, threshold, nan_left = question
    border = np.float32(threshold if nan_left else -threshold)
    return feature, np.float32(1 if nan_left else -1), border if nan_left else np.nextafter(border, np.float32(-np.inf))


def _rows(questions: list[Question], features: int) -> Floats:
    """Rows that between them answer the questions in every way that a row can."""
    columns = sorted({feature for feature, _threshold, _nan_left in questions})
    cells = [_values([each for each in questions if each[0] == column]) for column in columns]
    chosen = np.array(list(product(*cells)), np.float32)
    rows = np.zeros((len(chosen), features), np.float32)
    rows[:, columns] = chosen
    return rows


def _values(questions: list[Question]) -> list[float]:
    """Numbers, and a gap where it is unlike all of them, that answer the questions about one feature in every way."""
    thresholds = [threshold for _feature, threshold, _nan_left in questions]
    numbers = [2 * each if -NEARLY_ZERO <= each < 0 else each for each in thresholds] + [np.inf]
    sides = {tuple(value <= threshold for threshold in thresholds): value for value in numbers}
    sides.setdefault(tuple(nan_left for _feature, _threshold, nan_left in questions), float("nan"))
    return list(sides.values())
