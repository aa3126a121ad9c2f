"""How good scores are expected to be while nobody knows yet who leaves.

Where a score is the probability that it says to be, it tells how often it will be right: confidence-based performance
estimation, as NannyML's documentation describes it ("Confidence-based Performance Estimation (CBPE)",
nannyml.readthedocs.io, How it works). It sees a change of clients. It does not see that the same clients now leave
for other reasons: only outcomes show that.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Expected:
    """`auc` is None when the scores leave no doubt about anybody."""

    n: int
    rate: float
    auc: float | None
    brier: float


def expected_quality(scores: Sequence[float]) -> Expected | None:
    """What calibrated `scores` (0 to 1) promise; None without any.

    Each client counts as a leaver with weight p and as a stayer with weight 1 - p. The AUC is the share of such pairs
    in which the leaver has the higher score, ties as half: the area under NannyML's curve of expected rates.
    """
    if not len(scores):
        return None
    p, times = np.unique(np.asarray(scores, dtype=np.float64), return_counts=True)
    left, stayed = p * times, (1 - p) * times
    pairs = left.sum() * stayed.sum()
    below = np.cumsum(stayed) - stayed
    auc = float((left * (below + stayed / 2)).sum() / pairs) if pairs else None
    n = int(times.sum())
    return Expected(n, float(left.sum() / n), auc, float((left * (1 - p)).sum() / n))
