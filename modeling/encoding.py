"""How a customer's values become the numbers that a model reads; the same for training and serving."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from modeling.schema import Feature, TableSchema

Floats = npt.NDArray[np.float32]
Reader = Callable[[Any], float | None]


class Codes(dict[str | None, float]):
    """The number of each category: 1 to K in the order of the schema, K + 1 for a gap, `other` for the rest.

    An unknown category is treated like the neighbours of `other`, wherever no rare categories taught the model
    better; `modeling.ordering` therefore puts it among those near the base rate. A gap, or a blank, in a column
    that had none in training is other as well: never an accident of NaN.
    """

    def __init__(self, feature: Feature) -> None:
        super().__init__({name: float(code) for code, name in enumerate(feature.categories, start=1)})
        self.other = feature.other
        self.gap = len(feature.categories) + 1.0 if feature.nullable else feature.other
        self._folded = {fold(name): self[name] for name in feature.categories}
        self._folded.setdefault("", self.gap)
        self[None] = self.gap

    def __missing__(self, value: str | None) -> float:
        return self._folded.get(fold(str(value)), self.other)


def fold(text: str) -> str:
    """Equal for spellings that differ in case and white space alone."""
    return " ".join(text.split()).casefold()


class Encoder:
    """Turns valid values into the model's input, the same for training and serving.

    Numbers stay themselves, booleans are 0 and 1, categories are their `Codes`, dates are days before the
    schema's reference date; missing numbers, booleans and dates are NaN.
    """

    def __init__(self, schema: TableSchema) -> None:
        self.schema = schema
        self.digest = schema.digest()
        self._readers = tuple((f.name, _reader(f, schema.reference_date)) for f in schema.features)

    def encode(self, values: Mapping[str, Any]) -> Floats:
        """One row, shape (F,). An absent key is a gap."""
        get = values.get
        cells = [get(name) if read is None else read(get(name)) for name, read in self._readers]
        return np.array(cells, "f4")

    def encode_many(self, rows: Iterable[Mapping[str, Any]]) -> Floats:
        """Many rows, shape (N, F); row by row equal to `encode`."""
        kept = rows if isinstance(rows, list) else list(rows)
        if len(kept) == 1:
            return self.encode(kept[0])[np.newaxis]
        matrix = np.empty((len(kept), len(self._readers)), "f4")
        for column, (name, read) in enumerate(self._readers):
            cells = [row.get(name) for row in kept]
            matrix[:, column] = cells if read is None else list(map(read, cells))
        return matrix


def _reader(feature: Feature, reference_date: str | None) -> Reader | None:
    """The function from a cell to its number, or None where numpy does it (None becomes NaN)."""
    if feature.kind == "category":
        return Codes(feature).__getitem__
    if feature.kind == "date":
        return _days_before(date.fromisoformat(reference_date or "1970-01-01").toordinal())
    return None


def _days_before(reference: int) -> Reader:
    def days(text: str | None) -> float | None:
        return None if text is None else reference - date.fromisoformat(text).toordinal()

    return days
