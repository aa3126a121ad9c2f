"""CatBoost's trees as a `Forest`, read from its JSON export.

Every level of such a tree asks one question, `x > border`; the answers are the bits of the leaf's number,
the first question the lowest bit. A gap (NaN) is below every border.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from modeling.forest import Forest, Tree, floor32

Doubles = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

MOST_COUNT = 2**30  # tree SHAP's counts are 32-bit


def forest_of_export(model: Mapping[str, Any], features: int) -> Forest:
    """The forest of a model with number columns only. Raises ValueError for gaps that are not the lowest."""
    columns = model["features_info"]["float_features"]
    if any(column.get("nan_value_treatment", "AsIs") == "AsTrue" for column in columns):
        raise ValueError("gaps above every number are not supported: train with nan_mode='Min'")
    position = np.array([column["flat_feature_index"] for column in columns], np.int64)
    scale, (bias,) = model["scale_and_bias"]
    trees = tuple(_tree(tree, position) for tree in model["oblivious_trees"])
    return Forest(trees, features).scaled(float(scale), float(bias))


def _tree(tree: Mapping[str, Any], position: Integers) -> Tree:
    """Heap order: node i has children 2i + 1 and 2i + 2; the root asks the last question, the highest bit."""
    splits: Sequence[Mapping[str, Any]] = list(reversed(tree["splits"] or ()))
    level = np.repeat(np.arange(len(splits)), 2 ** np.arange(len(splits)))
    inner = len(level)
    child = 2 * np.arange(inner, dtype=np.int64)
    counts = _counts(np.array(tree["leaf_weights"], np.float64))
    borders = np.array([split["border"] for split in splits], np.float64)
    return Tree(
        feature=position[[split["float_feature_index"] for split in splits]][level] if inner else np.zeros(0, np.int64),
        threshold=floor32(borders)[level],
        nan_left=np.ones(inner, np.bool_),
        left=_linked(child + 1, inner),
        right=_linked(child + 2, inner),
        value=np.array(tree["leaf_values"], np.float64),
        count=counts,
        inner_count=_sums(counts, len(splits)),
    )


def _linked(child: Integers, inner: int) -> Integers:
    """Heap numbers from `inner` on are leaves, spelled -leaf - 1."""
    return np.where(child < inner, child, -(child - inner) - 1)


def _counts(weights: Doubles) -> Doubles:
    """Row counts, magnified so that a leaf no training row reached can count next to nothing: tree SHAP
    divides by the count of every node."""
    total = max(float(weights.sum()), 1.0)
    return np.floor(weights * (MOST_COUNT / total)) + 1


def _sums(counts: Doubles, levels: int) -> Doubles:
    """Counts of the inner nodes, level by level from the root."""
    return np.concatenate([counts.reshape(2**level, -1).sum(axis=1) for level in range(levels)] or [np.zeros(0)])
