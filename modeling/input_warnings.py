"""What a caller should know about valid values that the model had to guess around."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from modeling.encoding import Codes
from modeling.schema import TableSchema

UNKNOWN = "is not a category that the model learned; it is scored as 'other'"
MISSING = "is missing; it is scored as a gap, like the gaps of the training table"


def input_warnings(schema: TableSchema, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One `{"code", "field", "value", "message"}` for each gap (`missing_value`) and for each category that
    the training table did not have or hardly had (`unknown_category`), in the order of the features."""
    found = []
    for name, nullable, codes in _checks(schema):
        value = values.get(name)
        code = None if codes is None else codes[value]
        if nullable and (value is None or (codes and code == codes.gap)):
            found.append(_warning("missing_value", name, value, MISSING))
        elif codes and code == codes.other:
            found.append(_warning("unknown_category", name, value, UNKNOWN))
    return found


@lru_cache(maxsize=64)
def _checks(schema: TableSchema) -> tuple[tuple[str, bool, Codes | None], ...]:
    """Name, whether gaps are known, and the codes of a category, for each feature."""
    return tuple((f.name, f.nullable, Codes(f) if f.kind == "category" else None) for f in schema.features)


def _warning(code: str, field: str, value: Any, message: str) -> dict[str, Any]:
    return {"code": code, "field": field, "value": value, "message": f"{field} {message}"}
