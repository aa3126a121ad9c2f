"""What a caller should know about valid values that the model had to guess around."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from modeling.encoding import Codes
from modeling.schema import Feature, TableSchema

_Check = tuple[str, bool, Codes | None, frozenset[str]]
"""A feature's name, whether gaps are known, and of a category the codes, and the spellings that are well known."""
UNKNOWN = "is not a category that the model learned; it is scored as 'other'"
MISSING = "is missing; it is scored as a gap, like the gaps of the training table"


def input_warnings(schema: TableSchema, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One `{"code", "field", "value", "message"}` for each gap (`missing_value`) and for each category that
    the training table did not have or hardly had (`unknown_category`), in the order of the features."""
    found = []
    for name, nullable, codes, learned in _checks(schema):
        value = values.get(name)
        if value in learned if codes else value is not None:
            continue
        code = None if codes is None else codes[value]
        if nullable and (value is None or (codes and code == codes.gap)):
            found.append(_warning("missing_value", name, value, MISSING))
        elif codes and code == codes.other:
            found.append(_warning("unknown_category", name, value, UNKNOWN))
    return found


@lru_cache(maxsize=64)
def _checks(schema: TableSchema) -> tuple[_Check, ...]:
    """For each feature that can give a warning."""
    odd = [f for f in schema.features if f.nullable or f.kind == "category"]
    return tuple((f.name, f.nullable, *_codes(f)) for f in odd)


def _codes(feature: Feature) -> tuple[Codes | None, frozenset[str]]:
    if feature.kind != "category":
        return None, frozenset()
    codes = Codes(feature)
    return codes, frozenset(name for name in feature.categories if codes[name] not in (codes.other, codes.gap))


def _warning(code: str, field: str, value: Any, message: str) -> dict[str, Any]:
    return {"code": code, "field": field, "value": value, "message": f"{field} {message}"}
