"""How a sensitive act is written down: in the audit log, in the same transaction, and in the service's log."""

from collections.abc import Iterator
from datetime import datetime

import structlog
from sqlalchemy import Connection, Engine

from data import audit_log
from data.audit_log import AuditEntry, Wanted

log = structlog.get_logger()
PAGE = 1_000


def note(connection: Connection, at: datetime, actor: str, action: str, subject: str, **details: str) -> None:
    """`actor` did `action` to `subject`; `details` never hold a secret."""
    audit_log.append(connection, at, actor, action, subject, details)
    log.info(action, actor=actor, subject=subject, **details)


def newest(engine: Engine, wanted: Wanted, before: int | None, limit: int) -> list[AuditEntry]:
    """At most `limit` entries below the id `before`, the newest first."""
    with engine.connect() as connection:
        return audit_log.search(connection, wanted, before=before, limit=limit)


def every(engine: Engine, wanted: Wanted) -> Iterator[AuditEntry]:
    """All such entries, the newest first, read as they are asked for and without holding a connection meanwhile."""
    before: int | None = None
    while page := newest(engine, wanted, before, PAGE):
        yield from page
        before = page[-1].id


def actions_done(engine: Engine) -> list[str]:
    """The names of what was ever done."""
    with engine.connect() as connection:
        return audit_log.actions(connection)
