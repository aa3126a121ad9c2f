"""The people who may sign in (`app_credentials`)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, select, update

from data.dialect import hold, insert_counted
from data.tables import app_credentials


@dataclass(frozen=True, slots=True)
class User:
    """An account; it may sign in while `disabled_at` is None."""

    id: int
    username: str
    password_hash: str
    role: str
    created_at: datetime
    password_changed_at: datetime
    disabled_at: datetime | None
    totp_secret: str | None = None
    totp_confirmed_at: datetime | None = None
    totp_last_step: int | None = None
    recovery_hashes: list[str] | None = None


def find_by_username(connection: Connection, username: str) -> User | None:
    """The account of exactly this spelling."""
    return _first(connection, app_credentials.c.username == username)


def find(connection: Connection, user_id: int) -> User | None:
    return _first(connection, app_credentials.c.id == user_id)


def add(connection: Connection, username: str, password_hash: str, role: str, now: datetime) -> int:
    """Adds an account and gives its id. Raises IntegrityError when the name is in use."""
    row = {
        "username": username,
        "password_hash": password_hash,
        "role": role,
        "created_at": now,
        "password_changed_at": now,
    }
    return insert_counted(connection, app_credentials, row)


def set_password_hash(connection: Connection, user_id: int, password_hash: str, now: datetime) -> None:
    """Stores the hash of a new password."""
    _update(connection, user_id, password_hash=password_hash, password_changed_at=now)


def renew_hash(connection: Connection, user_id: int, password_hash: str) -> None:
    """Stores another hash of the same password, made with newer parameters."""
    _update(connection, user_id, password_hash=password_hash)


def disable(connection: Connection, user_id: int, now: datetime) -> None:
    """Shuts the account; one that was shut already keeps its time."""
    still_open = app_credentials.c.disabled_at.is_(None)
    wanted = update(app_credentials).where(app_credentials.c.id == user_id, still_open)
    connection.execute(wanted.values(disabled_at=now))


def enable(connection: Connection, user_id: int) -> None:
    """Opens the account again."""
    _update(connection, user_id, disabled_at=None)


def set_role(connection: Connection, user_id: int, role: str) -> None:
    _update(connection, user_id, role=role)


def set_secret(connection: Connection, user_id: int, sealed: str | None) -> None:
    """Stores a second factor that is still to be confirmed, or with None takes it away, recovery codes and all."""
    nothing = {"totp_confirmed_at": None, "totp_last_step": None, "recovery_hashes": None}
    _update(connection, user_id, totp_secret=sealed, **nothing)


def confirm_secret(connection: Connection, user_id: int, now: datetime, step: int, hashes: list[str]) -> None:
    """From now on the second factor is asked for; `hashes` are those of the recovery codes."""
    _update(connection, user_id, totp_confirmed_at=now, totp_last_step=step, recovery_hashes=hashes)


def set_last_step(connection: Connection, user_id: int, step: int) -> None:
    """Notes the step whose code was used."""
    _update(connection, user_id, totp_last_step=step)


def set_recovery_hashes(connection: Connection, user_id: int, hashes: list[str]) -> None:
    """Stores the hashes of the recovery codes that are left."""
    _update(connection, user_id, recovery_hashes=hashes)


def hold_all(connection: Connection) -> None:
    """Until the transaction ends, nobody else decides over an account by what the accounts are."""
    hold(connection, app_credentials.name)


def list_users(connection: Connection) -> list[User]:
    """Every account, by name."""
    rows = connection.execute(select(app_credentials).order_by(app_credentials.c.username)).mappings()
    return [User(**row) for row in rows]


def _first(connection: Connection, condition: ColumnElement[bool]) -> User | None:
    row = connection.execute(select(app_credentials).where(condition)).mappings().first()
    return User(**row) if row else None


def _update(connection: Connection, user_id: int, **values: Any) -> None:
    connection.execute(update(app_credentials).where(app_credentials.c.id == user_id).values(values))
