"""Cells of a file of customers: which columns a model reads, and what their text stands for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from helpers.errors import UserError
from modeling.features import Feature, TableSchema
from modeling.parsing import LONGEST, NO_NUMBER, NO_VALUE, day_comes_first, parse_day, parse_number, tidied

CLIENT_ID = "client_id"
MOST_COLUMNS = 2_000
MOST_DATES = 10_000  # different ones, by which is judged whether the day or the month comes first
TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a file that are kept, with their places in a row; the others are `unused`."""

    names: tuple[str, ...]
    places: tuple[int, ...]
    unused: tuple[str, ...]


@dataclass(slots=True)
class Spelling:
    """How the numbers and dates of a file are written, judged by all of its rows; see `seen`."""

    style: int = 0
    dates: dict[str, set[str]] = field(default_factory=dict)

    def seen(self, feature: Feature, cell: str) -> None:
        if len(cell) > LONGEST:  # nor are such cells remembered, below: a file may hold 100 MB of them
            return
        if feature.kind == "number":
            self.style += _style(cell)
        elif feature.kind == "date":
            texts = self.dates.setdefault(feature.name, set())
            if len(texts) < MOST_DATES:
                texts.add(tidied(cell))

    @property
    def comma(self) -> bool:
        """Whether decimals follow a comma."""
        return self.style > 0

    @property
    def month_first(self) -> list[str]:
        return [name for name, texts in self.dates.items() if not day_comes_first(sorted(texts))]


@dataclass(frozen=True, slots=True)
class Cells:
    """Rows of a file as a chunk keeps them: text under the names of `columns`. `first` is the number of the first row,
    counted from 1 below the line of names."""

    columns: Sequence[str]
    comma: bool
    month_first: Sequence[str]
    first: int
    rows: Sequence[Sequence[str]]

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    def bodies(self, schema: TableSchema) -> Iterable[dict[str, Any]]:
        """Each row as the API takes a customer. Text that does not stand for what the schema says is left as it is,
        for the model to refuse."""
        features = {feature.name: feature for feature in schema.features}
        for row in self.rows:
            yield self._body(row, features, schema.id)

    def _body(self, row: Sequence[str], features: Mapping[str, Feature], id_column: str) -> dict[str, Any]:
        body: dict[str, Any] = {}
        for name, cell in zip(self.columns, row, strict=True):
            if name in features:
                body[name] = self._value(features[name], tidied(cell))
            elif name in (CLIENT_ID, id_column):
                body[CLIENT_ID] = cell.strip()
        return body

    def _value(self, feature: Feature, text: str) -> Any:
        gaps = NO_VALUE if feature.kind == "category" else NO_NUMBER
        if text.lower() in gaps:
            return None
        if feature.kind == "number":
            number = parse_number(text, self.comma)
            return text if number is None else number
        if feature.kind == "boolean":
            return TRUTHS.get(text.lower(), text)
        if feature.kind == "date" and len(text) <= LONGEST:
            return _iso(text, feature.name not in self.month_first)
        return text


def find_columns(names: Sequence[str], schema: TableSchema) -> Columns:
    """Raises UserError naming the column where the file lacks one that the model reads, or the client's id, and for
    more columns than a person could have meant."""
    if len(names) > MOST_COLUMNS:
        raise UserError(f"the file has {len(names):,} columns; at most {MOST_COLUMNS:,} may be: leave some out")
    wanted = [_id_column(names, schema), *schema.names]
    for name in wanted:
        if name not in names:
            raise UserError(f"the file has no column {name!r}{_like(name, names)}; add it, empty where unknown", name)
    kept = [place for place, name in enumerate(names) if name in wanted]
    unused = tuple(name for name in names if name not in wanted)
    return Columns(tuple(names[place] for place in kept), tuple(kept), unused)


def _id_column(names: Sequence[str], schema: TableSchema) -> str:
    """The table's own id column, or `client_id`, as the API takes them. Raises UserError for neither or both."""
    found = [name for name in dict.fromkeys((schema.id, CLIENT_ID)) if name and name in names]
    if len(found) > 1:
        raise UserError(f"{schema.id} and client_id both name the client; leave one of the two out", CLIENT_ID)
    if not found:
        asked = schema.id or CLIENT_ID
        raise UserError(f"the file has no column {asked!r} with the clients' ids{_like(asked, names)}; add it", asked)
    return found[0]


def _like(name: str, names: Sequence[str]) -> str:
    close = get_close_matches(name, names, n=1)
    return f"; is it {close[0]!r}?" if close else ""


@lru_cache(maxsize=1 << 16)
def _style(cell: str) -> int:
    """1 for what is a number only with decimals after a comma, -1 for one only with a point, else 0."""
    return (parse_number(cell, comma=True) is not None) - (parse_number(cell, comma=False) is not None) if cell else 0


@lru_cache(maxsize=1 << 14)
def _iso(text: str, day_first: bool) -> str:
    ordinal = parse_day(text, day_first)
    return text if ordinal is None else date.fromordinal(ordinal).isoformat()
