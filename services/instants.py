"""When something happened, as people and programs spell it."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=1)  # clocks and zones differ; what lies further ahead is a slip
EXAMPLES = "2026-11-22T09:30:00Z or 2026-11-22T10:30:00+01:00, or a date"
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?P<zone>[Zz]|[+-]\d{2}:\d{2})?", re.ASCII)


def read_instant(text: str, now: datetime) -> datetime:
    """The instant that `text` spells, in UTC: RFC 3339, or a date, which stands for its first instant in UTC.

    Raises ValueError, whose words say what is wrong, also for what lies before 1970 or more than a day after `now`.
    """
    found = _parse(text)
    if found < EARLIEST:
        raise ValueError("must not lie before 1970")
    if found > now + AHEAD:
        raise ValueError("must not lie more than a day in the future")
    return found.astimezone(UTC)


def _parse(text: str) -> datetime:
    time = _TIME.fullmatch(text)
    if time and not time["zone"]:
        raise ValueError("needs its time zone: end it with Z, or with an offset such as +01:00")
    if not time and not _DATE.fullmatch(text):
        raise ValueError(f"must be a time, such as {EXAMPLES}")
    try:
        return datetime.fromisoformat(text.upper() if time else f"{text}T00:00:00Z")
    except ValueError:
        raise ValueError("is not in the calendar, or no time of day") from None


def _instant(value: Any, info: ValidationInfo) -> datetime:
    """The context of the validation must hold `now`."""
    now: datetime = (info.context or {})["now"]
    if not isinstance(value, str):
        raise PydanticCustomError("instant", "must be text: a time such as {examples}", {"examples": EXAMPLES})
    try:
        return read_instant(value, now)
    except ValueError as error:
        raise PydanticCustomError("instant", "{reason}", {"reason": str(error)}) from None


Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}],
            "description": "RFC 3339 with its zone; a date stands for its first instant in UTC."
            " Neither before 1970 nor more than a day ahead.",
            "examples": ["2026-11-22T09:30:00Z", "2026-11-22"],
        }
    ),
]
