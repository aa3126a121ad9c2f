"""How good the scores of a model were, from counts: how many clients had which score, and how many of them left.

The counts carry the whole of AUC, Brier score and calibration, so the rows themselves stay in the database.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]

CALIBRATION_BINS = 10
DECILES = 10


@dataclass(frozen=True, slots=True)
class ScoreBin:
    """`n` clients with one score (0 to 1), `churned` of whom left."""

    score: float
    n: int
    churned: int


@dataclass(frozen=True, slots=True)
class Quality:
    """`auc` is None when nobody left, or nobody stayed."""

    n: int
    churned: int
    auc: float | None
    brier: float
    ece: float


def quality(bins: Sequence[ScoreBin]) -> Quality | None:
    """The quality over all clients; None when there is none. Bins come in any order, a score as often as it likes."""
    score, n, churned = _columns(bins)
    whole = n.sum()
    if not whole:
        return None
    brier = (churned * (1 - score) ** 2 + (n - churned) * score**2).sum() / whole
    auc = _auc(score, churned, n - churned)
    return Quality(int(whole), int(churned.sum()), auc, float(brier), _calibration_error(score, n, churned))


def stability_index(expected: Sequence[ScoreBin], actual: Sequence[ScoreBin]) -> float:
    """Population stability index of `actual` against `expected`, over the deciles of `expected`.

    The sum over bins of (a - e) ln(a / e), a and e being shares of clients (Siddiqi, Credit Risk Scorecards, 2006);
    by his rule of thumb a shift is small below 0.1 and large above 0.25. Half a client is added to every bin, so that
    an empty one has a logarithm. Raises ValueError when there is no client on a side.
    """
    if not sum(each.n for each in expected) or not sum(each.n for each in actual):
        raise ValueError("a shift of scores needs clients on both sides")
    cuts = _cuts(expected)
    return index_of_counts(_counts(expected, cuts), _counts(actual, cuts))


def index_of_counts(before: npt.ArrayLike, now: npt.ArrayLike) -> float:
    """The population stability index of counts by bin, each of shape (K,), as `stability_index` has it."""
    then, later = _smoothed(before), _smoothed(now)
    return float(((later - then) * np.log(later / then)).sum())


def _columns(bins: Sequence[ScoreBin]) -> tuple[Doubles, Doubles, Doubles]:
    """Scores, clients and leavers, each of shape (N,), by rising score."""
    rows = sorted((each.score, each.n, each.churned) for each in bins)
    table = np.array(rows, dtype=np.float64).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2]


def _auc(score: Doubles, leavers: Doubles, stayers: Doubles) -> float | None:
    """Share of pairs of a leaver and a stayer in which the leaver scores higher, ties as half (Mann and Whitney)."""
    pairs = leavers.sum() * stayers.sum()
    if not pairs:
        return None
    place = np.unique(score, return_inverse=True)[1]
    left, stayed = np.bincount(place, weights=leavers), np.bincount(place, weights=stayers)
    below = np.cumsum(stayed) - stayed
    return float((left * (below + stayed / 2)).sum() / pairs)


def _calibration_error(score: Doubles, n: Doubles, churned: Doubles) -> float:
    """Expected calibration error over bins of equal width (Naeini, Cooper and Hauskrecht, 2015)."""
    place = np.minimum((score * CALIBRATION_BINS).astype(np.intp), CALIBRATION_BINS - 1)
    gaps = np.bincount(place, weights=score * n - churned)
    return float(np.abs(gaps).sum() / n.sum())


def _cuts(bins: Sequence[ScoreBin]) -> Doubles:
    """The distinct inner cuts between tenths of the clients, rising.

    A score that fills more than a tenth by itself is cut off below as well, so that a move to either side is seen.
    """
    score, n, _ = _columns(bins)
    wanted = np.arange(1, DECILES) * n.sum() / DECILES
    cuts, times = np.unique(score[np.searchsorted(np.cumsum(n), wanted)], return_counts=True)
    return np.sort(np.concatenate((cuts, np.nextafter(cuts[times > 1], -1))))


def _counts(bins: Sequence[ScoreBin], cuts: Doubles) -> Doubles:
    """Clients up to each cut and above the one before, and above the last: shape (cuts + 1,)."""
    score, n, _ = _columns(bins)
    counts = np.bincount(np.searchsorted(cuts, score), weights=n, minlength=len(cuts) + 1)
    return counts.astype(np.float64)


def _smoothed(counts: npt.ArrayLike) -> Doubles:
    """The share of each bin, half a client added to every one."""
    more = np.asarray(counts, dtype=np.float64) + 0.5
    shares: Doubles = more / more.sum()
    return shares
