"""The parts of a rule table: columns cut into bins, and one rule a cell."""

from bisect import bisect_right
from functools import cached_property
from math import isnan
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]

MOST_COLUMNS, MOST_BINS = 3, 8
Rate = Annotated[float, Field(gt=0, lt=1)]


class Column(BaseModel):
    """One column and its bins, for its number or its code (see `encoding.Codes`).

    A value is in the bin after the last of `edges` that is not above it. NaN, and the code `gap`, are in the bin
    `missing`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    feature: str
    position: int = Field(ge=0)
    edges: tuple[float, ...] = Field((), max_length=MOST_BINS - 1)
    gap: float | None = None
    missing: int = Field(0, ge=0)

    @property
    def bins(self) -> int:
        return len(self.edges) + 1

    def bin_of(self, value: float) -> int:
        """The bin of one 32-bit value; see `bins_of`."""
        gap = isnan(value) or value == self.gap
        return self.missing if gap else bisect_right(self._edges32, value)

    @cached_property
    def _edges32(self) -> list[float]:
        edges: list[float] = np.asarray(self.edges, np.float32).tolist()
        return edges


class Rule(BaseModel):
    """One cell: its bin in each column, the rule in words, the rate and the training rows behind it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bins: tuple[int, ...]
    when: str
    probability: Rate
    rows: int = Field(ge=0)


def bins_of(column: Column, values: Floats) -> Indices:
    """The bin of each value, (N,)."""
    found = np.searchsorted(np.asarray(column.edges, np.float32), values, side="right")
    gaps = np.isnan(values) if column.gap is None else np.isnan(values) | (values == column.gap)
    return np.where(gaps, column.missing, found)
