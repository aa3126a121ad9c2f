"""Finds near-duplicate customers, so that the same customer never stands on both sides of a split."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from modeling.look_alikes import Codes, Pairs, similar_pairs

ALIKE = (0.8, 0.9, 1.0)  # shares of equal columns from which two rows may be twins
AGREEMENT = 0.99  # of the labels over the pairs, for the rows to be copies and not look-alikes
AGREEMENT_OF_EQUALS = 0.9  # for rows that are equal in every column, which a split may keep together at no cost
CHANCE = 0.1  # and of the disagreement that chance would give, at most this share
CHANCE_OF_EQUALS = 0.25
LEAST_SHARE = 0.01  # of the rows; fewer of the most alike pairs may agree by luck,
LUCK = 10.0  # as may fewer than leave this many disagreements to be expected by chance
LARGEST_GROUP = 0.05  # of the rows; larger groups are chains of look-alikes, not copies of one customer

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Twins:
    """`groups` has shape (N,): twins share a number. `why` says what was found."""

    groups: npt.NDArray[np.int64]
    found: str
    why: str


def find_twins(codes: Codes, left: Flags) -> Twins:
    """Groups the rows that are nearly the same in at least 80 % of the columns, if such rows are copies.

    `codes` has shape (N, F), equal numbers for equal cells; `left` has shape (N,). Rows that look alike are
    copies of one customer only when their labels agree nearly always; on most tables they are different people.
    Where both are found, the pairs that share the rarest values are the copies.
    """
    said, copies = [], [np.empty((0, 2), np.int64)]
    for share in ALIKE:
        pairs, complete = similar_pairs(codes, share)
        said.append(_described(pairs, left, share))
        copies.append(_copies(pairs, codes, left, share) if complete else pairs[:0])
        if not len(pairs):
            break
    groups = _joined(np.concatenate(copies), len(codes))
    crowded = np.bincount(groups).max() > max(2, LARGEST_GROUP * len(codes))
    return _told(np.arange(len(codes)) if crowded else groups, "; ".join(said))


def _told(groups: npt.NDArray[np.int64], said: str) -> Twins:
    sizes = np.bincount(groups)
    rows, sets = int(sizes[sizes > 1].sum()), int((sizes > 1).sum())
    if not sets:
        return Twins(groups, "none", f"{said}: customers who look alike, split row by row")
    why = f"{said}; those who share the most agree nearly always, so a split never parts them"
    return Twins(groups, f"{rows:,} rows in {sets:,} groups", why)


def _described(pairs: Pairs, left: Flags, share: float) -> str:
    if not len(pairs):
        return f"no rows equal in {share:.0%} of the columns"
    alike = f"{len(pairs):,} pairs of rows equal in {share:.0%} of the columns"
    return f"{alike}, their labels in {_agreeing(pairs, left).mean():.1%}"


def _agreeing(pairs: Pairs, left: Flags) -> Flags:
    return np.asarray(left[pairs[:, 0]] == left[pairs[:, 1]])


def _copies(pairs: Pairs, codes: Codes, left: Flags, share: float) -> Pairs:
    """As many pairs as agree nearly always, those that share the rarest values first; none when these are few."""
    ranked = pairs[np.argsort(-_surprise(pairs, codes), kind="stable")]
    agreement = np.cumsum(_agreeing(ranked, left)) / np.arange(1, len(ranked) + 1)
    count = int(np.flatnonzero(agreement >= _least(left, share)).max(initial=-1)) + 1
    enough = max(LEAST_SHARE * len(codes), LUCK / _disagreement(left))
    return ranked[:count] if count == len(pairs) or count >= enough else ranked[:0]


def _disagreement(left: Flags) -> float:
    """The share of pairs whose labels differ when rows are paired at random."""
    return 2 * float(left.mean()) * (1 - float(left.mean()))


def _least(left: Flags, share: float) -> float:
    """The agreement from which pairs are copies: high, and far above that of any two rows."""
    by_chance = _disagreement(left)
    if share == 1:
        return max(AGREEMENT_OF_EQUALS, 1 - CHANCE_OF_EQUALS * by_chance)
    return max(AGREEMENT, 1 - CHANCE * by_chance)


def _surprise(pairs: Pairs, codes: Codes) -> npt.NDArray[np.float64]:
    """The bits of information in the values that each pair shares, as if columns were independent."""
    bits = np.zeros(len(pairs))
    for column in codes.T:
        rarity = -np.log2(np.maximum(np.bincount(column), 1) / len(column))
        near, far = column[pairs[:, 0]], column[pairs[:, 1]]
        bits += np.where(near == far, rarity[near], 0)
    return bits


def _joined(pairs: Pairs, size: int) -> npt.NDArray[np.int64]:
    ones = np.ones(len(pairs), dtype=np.int8)
    graph = coo_matrix((ones, (pairs[:, 0], pairs[:, 1])), shape=(size, size))
    _, groups = connected_components(graph, directed=False)
    return np.asarray(groups, dtype=np.int64)
