"""How a sensitive act is written down: in the audit log, in the same transaction, and in the service's log."""

from datetime import datetime

import structlog
from sqlalchemy import Connection

from data import audit_log

log = structlog.get_logger()


def note(connection: Connection, at: datetime, actor: str, action: str, subject: str, **details: str) -> None:
    """`actor` did `action` to `subject`; `details` never hold a secret."""
    audit_log.append(connection, at, actor, action, subject, details)
    log.info(action, actor=actor, subject=subject, **details)
