"""What a pydantic model refuses, field by field, in words that never repeat the value."""

from collections.abc import Mapping, Sequence

from pydantic import ValidationError
from pydantic_core import ErrorDetails

MOST_TOLD = 5


def field_errors(error: ValidationError, prefix: str = "") -> list[dict[str, str]]:
    """One {"field", "message"} for each field at fault; the names of fields are led by `prefix`."""
    return [{"field": prefix + _place(line), "message": _message(line)} for line in error.errors()]


def in_one_line(errors: Sequence[Mapping[str, str]]) -> str:
    """The first few of them."""
    return "; ".join(f"{line['field']}: {line['message']}" for line in errors[:MOST_TOLD])


def _place(line: ErrorDetails) -> str:
    return ".".join(str(part) for part in line["loc"]) or "body"


def _message(line: ErrorDetails) -> str:
    """Pydantic's sentence, with the fix where it leaves one out."""
    if line["type"] == "extra_forbidden":
        return "unknown field; remove it or check its spelling against /openapi.json"
    if line["type"] == "missing":
        return "is required and missing"
    return line["msg"]
