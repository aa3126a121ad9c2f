"""The `config_changes`: each change to the configuration on its way from draft to promoted, and what became of it."""

import json
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, select, update

from data.dialect import insert_counted
from data.tables import config_changes

DRAFT, REHEARSED, APPROVED = "draft", "rehearsed", "approved"
PROMOTED, KEPT, REVERTED, ABANDONED = "promoted", "kept", "reverted", "abandoned"
OPEN = (DRAFT, REHEARSED, APPROVED)


@dataclass(frozen=True, slots=True)
class Change:
    """One change. `changes` maps keys to their text; `base_revision` is the newest row of the table that it was last
    checked against, `revision` that of the rows which it appended, `reverts_to` the one that it brings back.

    `rehearsal` and `staging` are reports, `outcome` is what became of it, in words.
    """

    id: int
    created_at: datetime
    author: str
    reason: str
    changes: dict[str, str]
    base_revision: int
    reverts_to: int | None
    state: str
    rehearsal: dict[str, Any] | None
    staging: dict[str, Any] | None
    approved_by: str | None
    approved_at: datetime | None
    promoted_by: str | None
    promoted_at: datetime | None
    revision: int | None
    watched_until: datetime | None
    ended_at: datetime | None
    outcome: str | None

    @property
    def open(self) -> bool:
        """Whether it may still be promoted."""
        return self.state in OPEN

    @property
    def fingerprint(self) -> str:
        """SHA-256 in hexadecimal of what a person decides upon: another as soon as any of it was edited."""
        shown = [self.changes, self.reason, self.author, self.base_revision, self.rehearsal]
        return sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()


def add(
    connection: Connection,
    at: datetime,
    author: str,
    reason: str,
    changes: dict[str, str],
    base_revision: int,
    reverts_to: int | None = None,
) -> Change:
    """A new draft."""
    row = {
        "created_at": at,
        "author": author,
        "reason": reason,
        "changes": changes,
        "base_revision": base_revision,
        "reverts_to": reverts_to,
        "state": DRAFT,
    }
    return _known(connection, insert_counted(connection, config_changes, row))


def find(connection: Connection, change_id: int) -> Change | None:
    row = connection.execute(select(config_changes).where(_C.id == change_id)).mappings().first()
    return Change(**row) if row else None


def put(connection: Connection, change_id: int, **values: Any) -> Change:
    """Writes these columns of the change and gives it as it is then."""
    connection.execute(update(config_changes).where(_C.id == change_id).values(**values))
    return _known(connection, change_id)


def newest(connection: Connection, limit: int) -> list[Change]:
    return _changes(connection, select(config_changes).order_by(_C.id.desc()).limit(limit))


def in_states(connection: Connection, states: tuple[str, ...]) -> list[Change]:
    """The newest first."""
    return _changes(connection, select(config_changes).where(_C.state.in_(states)).order_by(_C.id.desc()))


def after_revision(connection: Connection, revision: int) -> list[Change]:
    """The changes that are in the table since that revision and were not reverted, the newest first."""
    wanted = select(config_changes).where(_C.state.in_((PROMOTED, KEPT)), _C.revision > revision)
    return _changes(connection, wanted.order_by(_C.id.desc()))


def _known(connection: Connection, change_id: int) -> Change:
    row = connection.execute(select(config_changes).where(_C.id == change_id)).mappings().one()
    return Change(**row)


def _changes(connection: Connection, wanted: Any) -> list[Change]:
    return [Change(**row) for row in connection.execute(wanted).mappings()]


_C = config_changes.c
