"""Sessions of people: begun with a password, ended by time, by sign-out, or with the account."""

import hashlib
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from data import sessions, users
from data.sessions import Session
from data.users import User
from helpers.clock import Clock
from helpers.passwords import hash_password, needs_rehash, verify_password
from services.audit import note

IDLE = timedelta(hours=8)  # a session that nobody used for a working day is over
ABSOLUTE = timedelta(days=7)  # and so is one this old, however busy
TOUCH_EVERY = timedelta(minutes=1)  # a busy page does not write to the database at each click


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who a request comes from."""

    user_id: int
    username: str
    role: str


@dataclass(frozen=True, slots=True)
class CodeNeeded:
    """The password was right at `since`; a session begins only with a code of the second factor."""

    user_id: int
    username: str
    since: datetime


@dataclass(frozen=True, slots=True)
class OwnSession:
    """One of a person's sessions; `here` is the one that asks."""

    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    here: bool


def spell_name(text: str) -> str:
    """The one spelling under which an account is kept and looked up."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


class SignInService:
    """Sessions are stored under the SHA-256 of a 256-bit token that only the browser has."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def sign_in(self, username: str, password: str, address: str) -> str | CodeNeeded | None:
        """The token of a new session, or that a code is needed too; None, after the same work, when name and
        password are not right."""
        started = self._clock.now()
        user = self._find(username)
        known = user if user and user.disabled_at is None else None
        right = verify_password(known.password_hash if known else None, password)
        if known is None or not right:
            self._refuse(user, address)
            return None
        renewed = hash_password(password) if needs_rehash(known.password_hash) else None
        with self._engine.begin() as connection:
            if renewed:
                users.renew_hash(connection, known.id, renewed)
            if known.totp_confirmed_at:
                note(connection, started, known.username, "password_accepted", known.username, address=address)
                return CodeNeeded(known.id, known.username, started)
            return begin(connection, known, started, address)

    def sessions_of(self, user_id: int, token: str) -> list[OwnSession]:
        """The living sessions of the user, the one used last first; `token` is that of the one who asks."""
        now = self._clock.now()
        with self._engine.connect() as connection:
            user, found = users.find(connection, user_id), sessions.of_user(connection, user_id)
        alive = [each for each in found if user and not _over(each, user, now)]
        return [_own(each, _hashed(token)) for each in alive]

    def end_others(self, user_id: int, token: str, address: str) -> int:
        """Ends the user's sessions in all other browsers, and gives their number."""
        with self._engine.begin() as connection:
            user, ended = users.find(connection, user_id), sessions.close_others(connection, user_id, _hashed(token))
            if user:
                note(connection, self._clock.now(), user.username, "sessions_ended", user.username, address=address)
        return ended

    def who(self, token: str) -> SignedIn | None:
        """Who holds `token`, while its session lives; asking keeps it from going idle."""
        now, id_hash = self._clock.now(), _hashed(token)
        with self._engine.connect() as connection:
            found = _session(connection, id_hash)
        if found is None:
            return None
        session, user = found
        if _over(session, user, now):
            with self._engine.begin() as connection:
                sessions.close(connection, id_hash)
            return None
        if now - session.last_seen_at >= TOUCH_EVERY:
            with self._engine.begin() as connection:
                sessions.touch(connection, id_hash, now)
        return SignedIn(user.id, user.username, user.role)

    def sign_out(self, token: str, address: str) -> None:
        """Ends the session on the server, so that a copy of its cookie is worth nothing."""
        with self._engine.begin() as connection:
            found = _session(connection, _hashed(token))
            if found:
                name = found[1].username
                sessions.close(connection, _hashed(token))
                note(connection, self._clock.now(), name, "signed_out", name, address=address)

    def _find(self, username: str) -> User | None:
        with self._engine.connect() as connection:
            return users.find_by_username(connection, spell_name(username))

    def _refuse(self, user: User | None, address: str) -> None:
        """Keeps the name that was typed only if it is a user's: people type passwords there by mistake."""
        subject = user.username if user else "unknown user"
        with self._engine.begin() as connection:
            note(connection, self._clock.now(), "anonymous", "sign_in_refused", subject, address=address)


def begin(connection: Connection, user: User, since: datetime, address: str) -> str:
    """The token of a new session of `user`, who proved at `since` to be it."""
    token = secrets.token_urlsafe(32)
    sessions.delete_expired(connection, now=since, idle_since=since - IDLE)
    sessions.open(connection, _hashed(token), user.id, since, since + ABSOLUTE)
    note(connection, since, user.username, "signed_in", user.username, address=address)
    return token


def _own(session: Session, id_hash: str) -> OwnSession:
    here = session.id_hash == id_hash
    return OwnSession(session.created_at, session.last_seen_at, session.expires_at, here)


def _session(connection: Connection, id_hash: str) -> tuple[Session, User] | None:
    session = sessions.find(connection, id_hash)
    user = users.find(connection, session.user_id) if session else None
    return (session, user) if session and user else None


def _over(session: Session, user: User, now: datetime) -> bool:
    """The second line ends a session that was opened with the old password while it was being changed."""
    expired = now >= session.expires_at or now - session.last_seen_at >= IDLE
    outdated = session.created_at < user.password_changed_at
    return expired or outdated or user.disabled_at is not None


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
