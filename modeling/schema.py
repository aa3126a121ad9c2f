"""What a trained table looked like: its columns, kept beside each model as `schema.json`."""

from dataclasses import asdict, dataclass
from functools import cache, cached_property
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from helpers.canonical import canonical_json, digest
from helpers.errors import UserError

Kind = Literal["number", "category", "boolean", "date"]
Value = float | int | bool | str | None


@dataclass(frozen=True, slots=True)
class Feature:
    """One column that the model reads.

    `default` is a typical value (median or most frequent); `minimum` and `maximum` are those of the
    training table, for numbers only, and bind nobody. Dates are written `YYYY-MM-DD`. A category's code is
    its place in `categories`, counted from 1; `other` is the code of all the categories that are not there.
    """

    name: str
    kind: Kind
    nullable: bool = False
    categories: tuple[str, ...] = ()
    default: Value = None
    minimum: float | None = None
    maximum: float | None = None
    integer: bool = False
    description: str = ""
    other: float = 0.0


@dataclass(frozen=True)
class TableSchema:
    """What a trained table looked like; kept beside each model as `schema.json`."""

    table: str
    id: str
    target: str
    positive: str
    features: tuple[Feature, ...]
    reference_date: str | None = None
    strict: bool = False

    def to_json(self) -> str:
        """The canonical JSON text; `from_json` gives an equal schema back."""
        return canonical_json(asdict(self)).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> "TableSchema":
        """The schema written by `to_json`. Raises UserError for anything else."""
        try:
            return _schema_adapter().validate_json(text)
        except ValidationError as error:
            raise UserError(f"the schema cannot be read: {error.errors()[0]['msg']}; train again") from error

    def digest(self) -> str:
        """SHA-256 of the canonical JSON: equal schemas, equal digests."""
        return digest(asdict(self))

    def __hash__(self) -> int:
        return self._hash  # reckoned once: a schema is the key of several caches

    @cached_property
    def _hash(self) -> int:
        return hash(self.to_json())

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The feature names, in the order of the model's input."""
        return tuple(feature.name for feature in self.features)


@cache
def _schema_adapter() -> TypeAdapter[TableSchema]:
    return TypeAdapter(TableSchema)
