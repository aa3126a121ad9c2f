"""The access tokens that were made here; only the SHA-256 of each is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, or_, select, update

from data.dialect import hold, insert_counted
from data.tables import access_tokens


@dataclass(frozen=True, slots=True)
class NewToken:
    """`token_hash`: SHA-256 of the token, 64 hexadecimal digits; `hint`: its first characters."""

    name: str
    token_hash: str
    hint: str
    scopes: Sequence[str]
    created_at: datetime
    created_by: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class AccessToken(NewToken):
    """A token as it is kept; it counts until `revoked_at` or `expires_at`, whichever is set and comes first."""

    id: int
    revoked_at: datetime | None
    last_used_at: datetime | None


def hold_names(connection: Connection) -> None:
    """Until the transaction ends, nobody else adds a token."""
    hold(connection, access_tokens.name)


def add(connection: Connection, token: NewToken) -> int:
    """Adds a token and gives its id."""
    row = {name: getattr(token, name) for name in NewToken.__slots__}
    return insert_counted(connection, access_tokens, {**row, "scopes": list(token.scopes)})


def all_tokens(connection: Connection) -> list[AccessToken]:
    """Every token, revoked ones too, the newest first."""
    rows = connection.execute(select(access_tokens).order_by(access_tokens.c.id.desc())).mappings()
    return [AccessToken(**row) for row in rows]


def unrevoked(connection: Connection, name: str | None = None) -> list[AccessToken]:
    """The tokens that nobody revoked, expired ones too: all, or those of that name."""
    wanted = select(access_tokens).where(access_tokens.c.revoked_at.is_(None))
    if name is not None:
        wanted = wanted.where(access_tokens.c.name == name)
    return [AccessToken(**row) for row in connection.execute(wanted).mappings()]


def revoke(connection: Connection, token_id: int, now: datetime) -> None:
    """One that was revoked already keeps its time."""
    _update(connection, token_id, access_tokens.c.revoked_at.is_(None), revoked_at=now)


def note_use(connection: Connection, token_id: int, at: datetime, unless_since: datetime) -> None:
    """Notes that the token was used, unless a use later than `unless_since` is noted."""
    noted = access_tokens.c.last_used_at
    _update(connection, token_id, or_(noted.is_(None), noted <= unless_since), last_used_at=at)


def _update(connection: Connection, token_id: int, condition: ColumnElement[bool], **values: datetime) -> None:
    connection.execute(update(access_tokens).where(access_tokens.c.id == token_id, condition).values(values))
