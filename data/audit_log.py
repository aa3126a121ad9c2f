"""Who did what, and when: an append-only list."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from data.dialect import insert_counted
from data.tables import audit_log


@dataclass(frozen=True, slots=True)
class AuditEntry:
    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    details: dict[str, Any]


def append(
    connection: Connection, at: datetime, actor: str, action: str, subject: str, details: Mapping[str, Any]
) -> int:
    """Appends an entry and gives its id. `details` are JSON and hold no secret."""
    row = {"at": at, "actor": actor, "action": action, "subject": subject, "details": dict(details)}
    return insert_counted(connection, audit_log, row)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries: of this actor, action and subject, spelled exactly; empty for all."""

    actor: str = ""
    action: str = ""
    subject: str = ""


EVERYTHING = Wanted()


def search(
    connection: Connection, wanted: Wanted = EVERYTHING, *, before: int | None = None, limit: int = 100
) -> list[AuditEntry]:
    """At most `limit` entries, the newest first, of those with an id below `before`."""
    query = select(audit_log).order_by(audit_log.c.id.desc()).limit(limit)
    for name in Wanted.__slots__:
        if getattr(wanted, name):
            query = query.where(audit_log.c[name] == getattr(wanted, name))
    if before is not None:
        query = query.where(audit_log.c.id < before)
    return [AuditEntry(**row) for row in connection.execute(query).mappings()]


def actions(connection: Connection) -> list[str]:
    """What was ever done, by name."""
    return list(connection.scalars(select(audit_log.c.action).distinct().order_by(audit_log.c.action)))


def list_entries(connection: Connection, limit: int = 100, subject: str | None = None) -> list[AuditEntry]:
    """The newest entries, of one subject or of all, newest first."""
    wanted = select(audit_log).order_by(audit_log.c.id.desc()).limit(limit)
    if subject is not None:
        wanted = wanted.where(audit_log.c.subject == subject)
    return [AuditEntry(**row) for row in connection.execute(wanted).mappings()]
