"""Finds the pairs of rows that are equal in most columns."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

ALL_PAIRS = 12_000  # rows up to which every pair is compared
TOO_MANY = 50  # pairs a row: a customer has some copies, not a crowd
BLOCK = 256
WINDOW = 16  # neighbours that a row is compared with in a block of more equal parts than that

Codes = npt.NDArray[np.int32]
Pairs = npt.NDArray[np.int64]


def similar_pairs(codes: Codes, share: float) -> tuple[Pairs, bool]:
    """The pairs of rows (i < j) with at least this share of equal columns, and whether these are all:
    the search ends where rows have so many look-alikes that these cannot be copies."""
    least = int(np.ceil(share * codes.shape[1] - 1e-9))
    search = every_pair if len(codes) <= ALL_PAIRS else likely_pairs
    found, total = [np.empty((0, 2), np.int64)], 0
    for block in search(codes, least):
        found.append(block)
        total += len(block)
        if total > TOO_MANY * len(codes):
            return np.concatenate(found), False
    return np.unique(np.concatenate(found), axis=0), True


def every_pair(codes: Codes, least: int) -> Iterator[Pairs]:
    """Compares each row with all later ones, a block of rows at a time."""
    columns = np.ascontiguousarray(codes.T)
    for start in range(0, len(codes), BLOCK):
        rows = slice(start, start + BLOCK)
        equal = np.zeros((min(BLOCK, len(codes) - start), len(codes) - start), dtype=np.min_scalar_type(len(columns)))
        for column in columns:
            equal += column[rows, None] == column[None, start:]
        near, far = np.nonzero(equal >= least)
        later = far > near
        yield np.stack([near[later], far[later]], axis=1) + start


def likely_pairs(codes: Codes, least: int) -> Iterator[Pairs]:
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
        columns, key = np.ascontiguousarray(codes[order].T), key[order]
        for step in range(1, min(WINDOW, len(codes) - 1) + 1):
            near = np.flatnonzero((key[:-step] == key[step:]) & (_equals(columns, step) >= least))
            yield np.sort(np.stack([order[near], order[near + step]], axis=1), axis=1)


def _equals(columns: Codes, step: int) -> npt.NDArray[np.unsignedinteger]:
    """In how many columns each row equals the one `step` rows further on."""
    equal = np.zeros(columns.shape[1] - step, dtype=np.min_scalar_type(len(columns)))
    for column in columns:
        equal += column[:-step] == column[step:]
    return equal


def _hashes(codes: Codes) -> npt.NDArray[np.uint64]:
    """A 64-bit number for each row, equal for equal rows."""
    drawn = np.random.default_rng(0).integers(1, 2**63, size=codes.shape[1], dtype=np.uint64)
    odd = np.asarray(drawn | np.uint64(1))
    mixed = codes.astype(np.uint64) * odd
    mixed ^= mixed >> np.uint64(29)
    hashes: npt.NDArray[np.uint64] = (mixed * odd[::-1]).sum(axis=1, dtype=np.uint64)
    return hashes
