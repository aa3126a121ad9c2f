"""One column of a table after its kind is known."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from modeling.inputs import LARGEST
from modeling.schema import Kind

WHOLE = 2.0**53  # whole numbers beyond it are not exact

Cells = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Column:
    """A column as numbers: the number itself, 0 or 1, the ordinal of a day, or the place in `labels`.

    `cells` has shape (N,), NaN for a gap; `note` says what was concluded from the column's text,
    `comma` that its decimals certainly follow a comma.
    """

    name: str
    kind: Kind
    cells: Cells
    labels: tuple[str, ...] = ()
    integer: bool = False
    note: str = ""
    comma: bool = False

    @property
    def gaps(self) -> npt.NDArray[np.bool_]:
        return np.isnan(self.cells)

    def distinct(self) -> int:
        """How many different values there are, gaps aside."""
        return len(np.unique(self.cells[~self.gaps]))

    def counts(self) -> npt.NDArray[np.int64]:
        """How many rows hold each of the `labels`."""
        return np.bincount(self.cells[~self.gaps].astype(np.int64), minlength=len(self.labels))

    def values(self) -> list[Any]:
        """The cells as a request would hold them: JSON numbers, booleans, text, ISO dates; None for a gap."""
        spell = self.spelling()
        return [None if cell != cell else spell(cell) for cell in self.cells.tolist()]  # noqa: PLR0124 (NaN)

    def spelling(self) -> Callable[[float], Any]:
        """The function from a cell to its value in a request."""
        if self.kind == "category":
            return lambda cell: self.labels[int(cell)]
        if self.kind == "date":
            return lambda cell: date.fromordinal(int(cell)).isoformat()
        if self.kind == "boolean":
            return bool
        return int if self.integer else float

    def rows(self, chosen: npt.NDArray[np.bool_]) -> "Column":
        """The same column with the chosen rows alone."""
        return replace(self, cells=self.cells[chosen])


def number_column(name: str, cells: Cells, note: str = "") -> Column:
    """A column of numbers; infinite and absurdly large ones are gaps."""
    with np.errstate(invalid="ignore"):
        absurd = np.abs(cells) > LARGEST
    kept = np.where(absurd, np.nan, cells)
    filled = kept[~np.isnan(kept)]
    whole = bool(np.all((filled == np.floor(filled)) & (np.abs(filled) < WHOLE)))
    notes = [note] if note else []
    if absurd.any():
        notes.append(f"{int(absurd.sum())} numbers beyond {LARGEST:g} are gaps")
    return Column(name, "number", kept, integer=whole and len(filled) > 0, note=", ".join(notes))
