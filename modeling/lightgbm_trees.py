"""LightGBM's trees as a `Forest`, read from its documented model text."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from modeling.forest import Forest, Tree, floor32

DEFAULT_LEFT, MISSING_TYPE, MISSING_IS_NAN = 0b0010, 0b1100, 0b1000


def forest_of_text(text: str, features: int) -> Forest:
    """The forest of a model without categorical splits. The bias is inside the first tree."""
    body = text.split("\nend of trees", 1)[0]
    blocks = body.split("\nTree=")[1:]
    return Forest(tuple(_tree(_pairs(block)) for block in blocks), features)


def _pairs(block: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in block.splitlines() if "=" in line)


def _tree(pairs: Mapping[str, str]) -> Tree:
    threshold = floor32(_numbers(pairs, "threshold"))
    value = _numbers(pairs, "leaf_value")
    return Tree(
        feature=_numbers(pairs, "split_feature").astype(np.int64),
        threshold=threshold,
        nan_left=_nan_left(_numbers(pairs, "decision_type").astype(np.int64), threshold),
        left=_numbers(pairs, "left_child").astype(np.int64),
        right=_numbers(pairs, "right_child").astype(np.int64),
        value=value,
        count=_numbers(pairs, "leaf_count") if len(threshold) else np.ones(1),
        inner_count=_numbers(pairs, "internal_count"),
    )


def _numbers(pairs: Mapping[str, str], name: str) -> npt.NDArray[np.float64]:
    return np.array(pairs.get(name, "").split(), np.float64)


def _nan_left(decision: npt.NDArray[np.int64], threshold: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Where training saw no gap in a column, LightGBM takes NaN for 0."""
    known = (decision & MISSING_TYPE) == MISSING_IS_NAN
    return np.where(known, (decision & DEFAULT_LEFT) > 0, threshold >= 0)
