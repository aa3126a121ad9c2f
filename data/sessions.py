"""Sessions of signed-in people, kept under a hash of the id that only the browser knows."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, or_, select, update

from data.tables import sessions


@dataclass(frozen=True, slots=True)
class Session:
    """`id_hash`: SHA-256 of the session's id, 64 hexadecimal digits."""

    id_hash: str
    user_id: int
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


def open(  # noqa: A001 - read as sessions.open
    connection: Connection, id_hash: str, user_id: int, now: datetime, expires_at: datetime
) -> None:
    """Begins a session. Raises IntegrityError when there is no such user."""
    row = Session(id_hash, user_id, now, now, expires_at)
    values = {name: getattr(row, name) for name in Session.__slots__}
    connection.execute(sessions.insert().values(values))


def find(connection: Connection, id_hash: str) -> Session | None:
    row = connection.execute(select(sessions).where(sessions.c.id_hash == id_hash)).mappings().first()
    return Session(**row) if row else None


def of_user(connection: Connection, user_id: int) -> list[Session]:
    """The sessions of the user, the one used last first."""
    wanted = select(sessions).where(sessions.c.user_id == user_id).order_by(sessions.c.last_seen_at.desc())
    return [Session(**row) for row in connection.execute(wanted).mappings()]


def last_seen(connection: Connection) -> dict[int, datetime]:
    """When each user with a session was last seen."""
    wanted = select(sessions.c.user_id, func.max(sessions.c.last_seen_at)).group_by(sessions.c.user_id)
    return {row[0]: row[1] for row in connection.execute(wanted)}


def touch(connection: Connection, id_hash: str, now: datetime) -> None:
    """Notes that the session was used."""
    connection.execute(update(sessions).where(sessions.c.id_hash == id_hash).values(last_seen_at=now))


def close(connection: Connection, id_hash: str) -> None:
    connection.execute(delete(sessions).where(sessions.c.id_hash == id_hash))


def close_all(connection: Connection, user_id: int) -> int:
    """Ends every session of the user and gives their number."""
    return connection.execute(delete(sessions).where(sessions.c.user_id == user_id)).rowcount


def close_others(connection: Connection, user_id: int, id_hash: str) -> int:
    """Ends every session of the user but this one and gives their number."""
    others = (sessions.c.user_id == user_id) & (sessions.c.id_hash != id_hash)
    return connection.execute(delete(sessions).where(others)).rowcount


def delete_expired(connection: Connection, *, now: datetime, idle_since: datetime) -> int:
    """Ends the sessions that are too old, or were last used at `idle_since` or before, and gives their number."""
    over = or_(sessions.c.expires_at <= now, sessions.c.last_seen_at <= idle_since)
    return connection.execute(delete(sessions).where(over)).rowcount
