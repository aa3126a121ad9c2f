"""Rows to learn from and rows to check on, coded as the first ones allow."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modeling.folds import assign_folds
from modeling.ordering import order_by_churn, recode
from modeling.schema import TableSchema

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with their codes (N, F), labels (N,), twin groups (N,) and the schema that gives the codes."""

    x: Floats
    y: Doubles
    groups: Integers
    schema: TableSchema

    def __len__(self) -> int:
        return len(self.y)

    def rows(self, chosen: Flags | Integers) -> "Table":
        return Table(self.x[chosen], self.y[chosen], self.groups[chosen], self.schema)

    def ordered(self, learn: Flags) -> "Table":
        """The same rows, coded by the order of categories that the rows `learn` show."""
        schema = order_by_churn(self.schema, self.x[learn], self.y[learn])
        return Table(recode(self.x, self.schema, schema), self.y, self.groups, schema)


@dataclass(frozen=True, slots=True)
class Part:
    """One fold: `check` masks its rows in the table, (N,)."""

    learn_x: Floats
    learn_y: Doubles
    check_x: Floats
    check_y: Doubles
    check: Flags
    schema: TableSchema


def parts(table: Table, folds: Integers) -> Iterator[Part]:
    """One part a fold; the codes never tell about the labels of the rows to check on."""
    for number in np.unique(folds):
        check = folds == number
        coded = table.ordered(~check)
        yield Part(coded.x[~check], coded.y[~check], coded.x[check], coded.y[check], check, coded.schema)


def search_parts(table: Table, folds: int, most_rows: int, seed: int) -> list[Part]:
    """Folds of the table, or of about `most_rows` of its rows in whole groups, for the search of settings."""
    shares = max(1, -(-len(table) // most_rows))
    if shares > 1:
        table = table.rows(assign_folds(table.y, table.groups, shares, seed) == 0)
    return list(parts(table, assign_folds(table.y, table.groups, folds, seed)))
