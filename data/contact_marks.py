"""When each client was last contacted, kept beside its newest answer: `client_latest.contacted_at`.

The call list passes over clients by it, without looking each one's actions up. It is a shortcut alone: whoever has no
mark, since two writers missed each other, is looked up all the same.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, bindparam, func, select, update

from data.dialect import chunks
from data.tables import actions, client_latest


def mark(connection: Connection, client_ids: Iterable[str]) -> None:
    """Marks those of the clients that have an answer, by all of their actions."""
    for some in chunks(sorted(set(client_ids))):  # every writer in one order: no deadlocks
        connection.execute(_MARKED, {"clients": some})


_THEIRS = actions.c.client_id == client_latest.c.client_id
_NEWEST = select(func.max(actions.c.at)).where(_THEIRS).scalar_subquery()
_MARKED = (
    update(client_latest)
    .values(contacted_at=_NEWEST)
    .where(client_latest.c.client_id.in_(bindparam("clients", expanding=True)))
)
