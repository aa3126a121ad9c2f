"""A rule of thumb as a small table: at most three columns, each cut into a few bins, one rate a cell.

Its reasons are exact Shapley values (Lundberg and Lee, "A unified approach to interpreting model
predictions", 2017, equation 8) of the cell's log-odds, the other columns drawn from the training rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import factorial

import numpy as np
import numpy.typing as npt

from helpers.canonical import canonical_json
from modeling.rule_cells import Column, Floats, Indices, Rule, bins_of

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RuleTable:
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(column.bins for column in self.columns)

    def cells(self, matrix: Floats) -> tuple[Indices, ...]:
        """The bin in each column, for encoded rows (N, F)."""
        return tuple(bins_of(column, matrix[:, column.position]) for column in self.columns)

    def probabilities(self, matrix: Floats) -> Doubles:
        """(N,) for encoded rows (N, F)."""
        if not self.columns:
            return np.full(len(matrix), self.rules[0].probability)
        found: Doubles = self.rates[self.cells(matrix)]
        return found

    def probability(self, row: Sequence[float]) -> float:
        """That of one encoded row (F,), as a 32-bit number; numpy takes longer to begin than this takes."""
        return self._by_cell[tuple(column.bin_of(row[column.position]) for column in self.columns)]

    def effects(self, row: Floats) -> Doubles:
        """Shapley values of one encoded row, one a column, in log-odds around `base`."""
        cell = tuple(int(index[0]) for index in self.cells(row[np.newaxis]))
        effects: Doubles = self._shapley[cell]
        return effects

    @cached_property
    def _by_cell(self) -> dict[tuple[int, ...], float]:
        return {rule.bins: float(np.float32(rule.probability)) for rule in self.rules}

    @cached_property
    def rates(self) -> Doubles:
        """The probability of each cell, in the table's shape."""
        return self._grid([rule.probability for rule in self.rules])

    @cached_property
    def base(self) -> float:
        """Mean log-odds of the training rows."""
        return float(self._expected(()))

    def _grid(self, values: list[float]) -> Doubles:
        grid = np.full(self.shape, np.nan)
        for rule, value in zip(self.rules, values, strict=True):
            grid[rule.bins] = value
        return grid

    @cached_property
    def _shapley(self) -> Doubles:
        """Shapley values of every cell: the table's shape, then one number a column."""
        count = len(self.columns)
        parts = [self._of_column(column, count) for column in range(count)]
        return np.stack(parts, axis=-1) if parts else np.zeros(0)

    def _of_column(self, column: int, count: int) -> Doubles:
        """The mean gain by knowing the column, over every order in which columns may become known."""
        others = [other for other in range(count) if other != column]
        total = np.zeros(self.shape)
        for size in range(count):
            weight = factorial(size) * factorial(count - size - 1) / factorial(count)
            for known in combinations(others, size):
                total += weight * (self._expected((*known, column)) - self._expected(known))
        return total

    def _expected(self, known: tuple[int, ...]) -> Doubles:
        """Mean log-odds with the known columns fixed, the unknown ones as in the training rows."""
        unknown = tuple(axis for axis in range(len(self.columns)) if axis not in known)
        shares = self._shares.sum(axis=known, keepdims=True)
        return np.asarray((np.log(self.rates / (1 - self.rates)) * shares).sum(axis=unknown, keepdims=bool(known)))

    @cached_property
    def _shares(self) -> Doubles:
        rows = self._grid([float(rule.rows) for rule in self.rules])
        shares: Doubles = rows / rows.sum()
        return shares

    def to_json(self) -> bytes:
        data = {
            "columns": [column.model_dump() for column in self.columns],
            "rules": [rule.model_dump() for rule in self.rules],
        }
        return canonical_json(data)
