"""Binary trees that add up to log-odds: the one form that every boosted model is brought into.

From it come the served graph (`graph`), the text that tree SHAP reads (`tree_text`) and, where trees use one
column each, the additive terms. Inputs are 32-bit, so thresholds are rounded down to 32 bits: `x <= t` then
means the same for every 32-bit x.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree as arrays; a child c ≥ 0 is inner node c, a child c < 0 is leaf -c - 1.

    A row goes left in node i when its number is at most `threshold[i]`, or is NaN and `nan_left[i]`.
    A tree without inner nodes is the constant `value[0]`.
    """

    feature: Integers
    threshold: Doubles
    nan_left: npt.NDArray[np.bool_]
    left: Integers
    right: Integers
    value: Doubles
    count: Doubles
    inner_count: Doubles


@dataclass(frozen=True, slots=True)
class Forest:
    """`bias` plus the sum of the trees is the log-odds of a row of `features` numbers."""

    trees: tuple[Tree, ...]
    features: int
    bias: float = 0.0

    def scaled(self, slope: float, intercept: float) -> "Forest":
        """The forest whose log-odds are `slope * these + intercept`."""
        trees = tuple(replace(tree, value=tree.value * slope) for tree in self.trees)
        return replace(self, trees=trees, bias=self.bias * slope + intercept)


def floor32(thresholds: Doubles) -> Doubles:
    """The largest 32-bit numbers that are not above the thresholds."""
    near = np.clip(thresholds, np.finfo(np.float32).min, np.finfo(np.float32).max).astype(np.float32)
    with np.errstate(over="ignore"):  # below the least number there is only minus infinity, never taken here
        lower = np.nextafter(near, np.float32(-np.inf))
    return np.where(near.astype(np.float64) > thresholds, lower, near).astype(np.float64)
