"""Finds near-duplicate customers, so that the same customer never stands on both sides of a split."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

ALIKE = (0.8, 0.9, 1.0)  # shares of equal columns from which two rows may be twins; the first that works
AGREEMENT = 0.99  # of the labels over all pairs, for the rows to be copies and not look-alikes
CHANCE = 0.1  # and of the disagreement that chance would give, at most this share
LARGEST_GROUP = 0.05  # of the rows; larger groups are chains of look-alikes, not copies of one customer
ALL_PAIRS = 12_000  # rows up to which every pair is compared
TOO_MANY = 50  # pairs a row: a customer has some copies, not a crowd
BLOCK = 256
WINDOW = 16  # neighbours that a row is compared with in a block of more equal parts than that

Codes = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]
Pairs = npt.NDArray[np.int64]


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
    """
    found = []
    for share in ALIKE:
        pairs, complete = _similar(codes, share)
        found.append(_described(pairs, left, share))
        if len(pairs) and complete and _are_copies(pairs, left):
            groups = _joined(pairs, len(codes))
            if np.bincount(groups).max() <= max(2, LARGEST_GROUP * len(codes)):
                return _grouped(groups, found[-1])
        if not len(pairs):
            break
    return Twins(np.arange(len(codes)), "none", f"{'; '.join(found)}: customers who look alike, split row by row")


def _grouped(groups: npt.NDArray[np.int64], found: str) -> Twins:
    sizes = np.bincount(groups)
    rows, sets = int(sizes[sizes > 1].sum()), int((sizes > 1).sum())
    return Twins(groups, f"{rows:,} rows in {sets:,} groups", f"{found}: a split never parts a group")


def _described(pairs: Pairs, left: Flags, share: float) -> str:
    if not len(pairs):
        return f"no rows equal in {share:.0%} of the columns"
    alike = f"{len(pairs):,} pairs of rows equal in {share:.0%} of the columns"
    return f"{alike}, their labels in {_agree(pairs, left):.1%}"


def _agree(pairs: Pairs, left: Flags) -> float:
    return float((left[pairs[:, 0]] == left[pairs[:, 1]]).mean())


def _are_copies(pairs: Pairs, left: Flags) -> bool:
    agreement, base = _agree(pairs, left), left.mean()
    return agreement >= AGREEMENT and 1 - agreement <= CHANCE * 2 * base * (1 - base)


def _joined(pairs: Pairs, size: int) -> npt.NDArray[np.int64]:
    ones = np.ones(len(pairs), dtype=np.int8)
    graph = coo_matrix((ones, (pairs[:, 0], pairs[:, 1])), shape=(size, size))
    _, groups = connected_components(graph, directed=False)
    return np.asarray(groups, dtype=np.int64)


def _similar(codes: Codes, share: float) -> tuple[Pairs, bool]:
    """The pairs of rows (i < j) with at least this share of equal columns, and whether these are all:
    the search ends where rows have so many look-alikes that these cannot be copies."""
    least = int(np.ceil(share * codes.shape[1] - 1e-9))
    search = _every_pair if len(codes) <= ALL_PAIRS else _likely_pairs
    found, total = [np.empty((0, 2), np.int64)], 0
    for block in search(codes, least):
        found.append(block)
        total += len(block)
        if total > TOO_MANY * len(codes):
            return np.concatenate(found), False
    return np.unique(np.concatenate(found), axis=0), True


def _every_pair(codes: Codes, least: int) -> Iterator[Pairs]:
    """Compares each row with all later ones, a block of rows at a time."""
    columns = np.ascontiguousarray(codes.T)
    for start in range(0, len(codes), BLOCK):
        rows = slice(start, start + BLOCK)
        equal = np.zeros((min(BLOCK, len(codes) - start), len(codes) - start), dtype=np.uint8)
        for column in columns:
            equal += column[rows, None] == column[None, start:]
        near, far = np.nonzero(equal >= least)
        later = far > near
        yield np.stack([near[later], far[later]], axis=1) + start


def _likely_pairs(codes: Codes, least: int) -> Iterator[Pairs]:
    """Pairs that are wholly equal in one of several parts of the columns.

    Rows that differ in d columns agree in at least one of d + 1 parts (the pigeonhole principle), so nothing
    is missed but in parts that very many rows share: there a row meets its nearest neighbours alone.
    """
    parts = codes.shape[1] - least + 1
    richest = np.argsort([-len(np.unique(column)) for column in codes.T])
    whole = _hashes(codes)
    for part in range(parts):
        key = _hashes(codes[:, richest[part::parts]])
        order = np.lexsort((whole, key))
        for step in range(1, WINDOW + 1):
            near, far = order[:-step], order[step:]
            same = key[near] == key[far]
            yield _equal_enough(codes, near[same], far[same], least)


def _equal_enough(codes: Codes, near: Pairs, far: Pairs, least: int) -> Pairs:
    equal = sum((codes[near, column] == codes[far, column]).astype(np.uint8) for column in range(codes.shape[1]))
    enough = equal >= least
    pairs: Pairs = np.sort(np.stack([near, far], axis=1)[enough], axis=1)
    return pairs


def _hashes(codes: Codes) -> npt.NDArray[np.uint64]:
    """A 64-bit number for each row, equal for equal rows."""
    drawn = np.random.default_rng(0).integers(1, 2**63, size=codes.shape[1], dtype=np.uint64)
    odd = np.asarray(drawn | np.uint64(1))
    mixed = codes.astype(np.uint64) * odd
    mixed ^= mixed >> np.uint64(29)
    hashes: npt.NDArray[np.uint64] = (mixed * odd[::-1]).sum(axis=1, dtype=np.uint64)
    return hashes
