"""Client ids as people paste them."""

import re
from collections.abc import Sequence

from pydantic import TypeAdapter, ValidationError

from services.client_id import ClientId

MOST_IDS = 200
LENGTH = "an id has 1 to 190 characters"
CONTROL = "it holds control characters"
_SEPARATORS = re.compile(r"[\n\r,;\t]+")
_ID: TypeAdapter[str] = TypeAdapter(ClientId)


def split_ids(text: str) -> list[str]:
    """The ids in the text, one a line or between commas, each once, in order."""
    return list(dict.fromkeys(each.strip() for each in _SEPARATORS.split(text) if each.strip()))


def problem_with_ids(ids: Sequence[str]) -> str:
    """What is wrong with the list, in words, or nothing."""
    if not ids:
        return "Enter at least one client id."
    if len(ids) > MOST_IDS:
        return f"These are {len(ids):,} ids; the page takes {MOST_IDS}. For more, use the batch call of the API."
    wrong = next((each for each in ids if problem_with_id(each)), None)
    return f"“{wrong[:40]}” cannot be a client id: {problem_with_id(wrong)}." if wrong else ""


def problem_with_id(client_id: str) -> str:
    """What is wrong with one id, in words, or nothing."""
    try:
        _ID.validate_python(client_id)
    except ValidationError as error:
        return CONTROL if error.errors()[0]["type"] == "string_pattern_mismatch" else LENGTH
    return ""
