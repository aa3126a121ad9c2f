"""Identifiers that sort by the time they were made."""

from uuid_utils import uuid7


def new_id() -> str:
    """A UUIDv7 (RFC 9562) as 36 lower-case characters."""
    return str(uuid7())
