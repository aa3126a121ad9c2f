"""How access tokens are made and revoked: each such act with its line in the audit log."""

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Engine

from data import access_token_store
from data.access_token_store import AccessToken, NewToken
from helpers.clock import Clock
from helpers.errors import UserError
from services.audit import note
from services.callers import PREFIX, SCOPES, hash_token

HINT_LENGTH = 9  # the prefix and six characters of 43
LONGEST_NAME = 64
LONGEST_DAYS = 3_650
_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._@+ -]{{0,{LONGEST_NAME - 1}}}")


@dataclass(frozen=True, slots=True)
class Made:
    """A new token: `text` is the token itself, which nobody can tell later."""

    name: str
    scopes: tuple[str, ...]
    expires_at: datetime | None
    text: str = field(repr=False)


class AccessTokens:
    """The tokens that back ends send, as people see to them; `TokenMemory` is what checks them."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def add(self, name: str, scopes: Iterable[str], days: int | None, actor: str) -> Made:
        """Makes a token that counts for `days`, for ever without. Raises UserError naming the field: `name` against
        the rules or that of another unrevoked token, `scopes` none or unknown, `days` out of 1 to 3,650."""
        now, made = self._clock.now(), PREFIX + secrets.token_urlsafe(32)
        checked = Made(_checked_name(name), _checked_scopes(scopes), _expiry(days, now), made)
        row = NewToken(
            checked.name,
            hash_token(made),
            made[:HINT_LENGTH],
            checked.scopes,
            now,
            actor,
            checked.expires_at,
        )
        until = checked.expires_at.isoformat() if checked.expires_at else "never"
        with self._engine.begin() as connection:
            access_token_store.hold_names(connection)
            if access_token_store.unrevoked(connection, row.name):
                raise UserError(f"there is a token {row.name} already: choose another name, or revoke it first", "name")
            access_token_store.add(connection, row)
            note(connection, now, actor, "token_added", row.name, scopes=" ".join(row.scopes), expires=until)
        return checked

    def revoke(self, name: str, actor: str) -> None:
        """The token counts for nothing any more, in every process within seconds. Raises UserError naming `name` when
        there is no such unrevoked token."""
        now = self._clock.now()
        with self._engine.begin() as connection:
            found = access_token_store.unrevoked(connection, name)
            if not found:
                raise UserError(f"there is no token {name}; `./run.sh tokens list` shows them all", "name")
            for token in found:
                access_token_store.revoke(connection, token.id, now)
            note(connection, now, actor, "token_revoked", name)

    def listing(self) -> list[AccessToken]:
        """Every token, revoked ones too, the newest first."""
        with self._engine.connect() as connection:
            return access_token_store.all_tokens(connection)


def state(token: AccessToken, now: datetime) -> str:
    """`active`, `expired` or `revoked`."""
    if token.revoked_at is not None:
        return "revoked"
    return "expired" if token.expires_at is not None and token.expires_at <= now else "active"


def _checked_name(name: str) -> str:
    spelled = name.strip()
    if not _NAME.fullmatch(spelled):
        rule = f"1 to {LONGEST_NAME} letters a–z, digits, blanks and . _ @ + -, with a letter or digit first"
        raise UserError(f"a token's name must have {rule}", "name")
    return spelled


def _checked_scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    wanted = set(scopes)
    unknown = sorted(wanted - set(SCOPES))
    if unknown or not wanted:
        told = f"{unknown[0]} is no scope" if unknown else "a token needs a scope"
        raise UserError(f"{told}: choose among {', '.join(SCOPES)}", "scopes")
    return tuple(scope for scope in SCOPES if scope in wanted)


def _expiry(days: int | None, now: datetime) -> datetime | None:
    if days is None:
        return None
    if not 1 <= days <= LONGEST_DAYS:
        raise UserError(f"days must be a whole number from 1 to {LONGEST_DAYS:,}, or left out", "days")
    return now + timedelta(days=days)
