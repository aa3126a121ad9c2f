"""How instants read on a page."""

from datetime import UTC, datetime

_STEPS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


def instant(at: datetime) -> str:
    """To the minute, in UTC: 22 Nov 2026, 09:05 UTC."""
    there = at.astimezone(UTC)
    return f"{there.day} {there:%b %Y, %H:%M} UTC"


def time_of_day(at: datetime) -> str:
    """The time of day, in UTC: 09:05 UTC."""
    return f"{at.astimezone(UTC):%H:%M} UTC"


def date_words(at: datetime) -> str:
    """The day, in UTC: 22 Nov 2026."""
    there = at.astimezone(UTC)
    return f"{there.day} {there:%b %Y}"


def ago(at: datetime, now: datetime) -> str:
    """How long before `now`: 3 days ago; just now within a minute, and for clocks that disagree."""
    seconds = (now - at).total_seconds()
    for length, unit in _STEPS:
        if seconds >= length:
            count = int(seconds // length)
            return f"{count:,} {unit}{'s' if count > 1 else ''} ago"
    return "just now"
