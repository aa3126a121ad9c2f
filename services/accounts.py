"""People who may open the pages: their passwords, their sessions, and a record of each sensitive act."""

import hashlib
import re
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, get_args

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from data import audit_log, users
from data.users import User
from helpers.clock import Clock
from helpers.errors import UserError
from helpers.passwords import check_rules, hash_password, make_password, needs_rehash, verify_password

log = structlog.get_logger()
Role = Literal["viewer", "manager", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
IDLE = timedelta(hours=8)  # a session that nobody used for a working day is over
ABSOLUTE = timedelta(days=7)  # and so is one this old, however busy
TOUCH_EVERY = timedelta(minutes=1)
FIRST_USER = "admin"
_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who a request comes from."""

    user_id: int
    username: str
    role: str


def spell_name(text: str) -> str:
    """The one spelling under which an account is kept and looked up."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


class AccountService:
    """Users live in `app_credentials`, sessions in `sessions` under the SHA-256 of a 256-bit token."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def sign_in(self, username: str, password: str, address: str) -> str | None:
        """The token of a new session, or None, after the same work, when the pair is not right."""
        name, started = spell_name(username), self._clock.now()
        with self._engine.connect() as connection:
            user = users.find_by_username(connection, name)
        known = user if user and user.disabled_at is None else None
        right = verify_password(known.password_hash if known else None, password)
        with self._engine.begin() as connection:
            if not (known and right):
                self._note(connection, "anonymous", "sign_in_refused", user.username if user else "", address)
                return None
            self._renew_hash(connection, known, password)
            users.delete_expired_sessions(connection, started - IDLE, started)
            token = secrets.token_urlsafe(32)
            users.open_session(connection, _hashed(token), known.id, started, started + ABSOLUTE)
            self._note(connection, known.username, "signed_in", known.username, address)
        return token

    def session(self, token: str) -> SignedIn | None:
        """Who holds `token`, while the session lives; using it keeps it from going idle."""
        now, id_hash = self._clock.now(), _hashed(token)
        with self._engine.begin() as connection:
            found = users.find_session(connection, id_hash)
            if found is None:
                return None
            session, user = found
            over = now >= session.expires_at or now - session.last_seen_at >= IDLE
            # A session opened with the old password, while the password was being changed, dies here.
            outdated = session.created_at < user.password_changed_at
            if over or outdated or user.disabled_at is not None:
                users.close_session(connection, id_hash)
                return None
            if now - session.last_seen_at >= TOUCH_EVERY:
                users.touch_session(connection, id_hash, now)
        return SignedIn(user.id, user.username, user.role)

    def sign_out(self, token: str, address: str) -> None:
        """Ends the session, on the server too."""
        with self._engine.begin() as connection:
            found = users.find_session(connection, _hashed(token))
            if found:
                users.close_session(connection, _hashed(token))
                self._note(connection, found[1].username, "signed_out", found[1].username, address)

    def add_user(self, username: str, role: str, password: str | None, actor: str) -> tuple[str, str]:
        """Adds a user; a password is made when none is given. Returns name and password.

        Raises UserError for a name or password against the rules, an unknown role, or a name in use.
        """
        name = _checked_name(username)
        _check_role(role)
        chosen = _checked_password(password, name)
        hashed = hash_password(chosen)
        try:
            with self._engine.begin() as connection:
                users.add(connection, name, hashed, role, self._clock.now())
                self._note(connection, actor, "user_added", name, "", role=role)
        except IntegrityError:
            raise UserError(f"There is a user {name} already: choose another name.", "username") from None
        return name, chosen

    def set_password(self, username: str, password: str | None, actor: str) -> str:
        """Sets the password and ends every session of the user. Returns the password; see `add_user`."""
        name = spell_name(username)
        chosen = _checked_password(password, name)
        hashed = hash_password(chosen)
        with self._engine.begin() as connection:
            user = _existing(connection, name)
            users.set_password_hash(connection, user.id, hashed, self._clock.now())
            users.close_all_sessions(connection, user.id)
            self._note(connection, actor, "password_set", name, "")
        return chosen

    def disable(self, username: str, actor: str) -> None:
        """Shuts the user out and ends every session. Raises UserError when there is no such user."""
        with self._engine.begin() as connection:
            user = _existing(connection, spell_name(username))
            users.disable(connection, user.id, self._clock.now())
            users.close_all_sessions(connection, user.id)
            self._note(connection, actor, "user_disabled", user.username, "")

    def list_users(self) -> list[User]:
        with self._engine.connect() as connection:
            return users.list_users(connection)

    def ensure_first_user(self) -> tuple[str, str] | None:
        """Name and password of an administrator made because there was no user at all, else None."""
        if self.list_users():
            return None
        try:
            return self.add_user(FIRST_USER, "admin", None, "first start")
        except UserError:  # another process was quicker
            return None

    def _renew_hash(self, connection: Connection, user: User, password: str) -> None:
        if needs_rehash(user.password_hash):
            users.renew_password_hash(connection, user.id, user.password_hash, hash_password(password))

    def _note(
        self, connection: Connection, actor: str, action: str, subject: str, address: str, **details: str
    ) -> None:
        """The name that was typed is kept only if it is a user's: people type passwords into that field."""
        found = {"address": address, **details} if address else details
        audit_log.append(connection, self._clock.now(), actor, action, subject, found)
        log.info(action, actor=actor, subject=subject, **found)


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _checked_name(username: str) -> str:
    name = spell_name(username)
    if not _NAME.fullmatch(name):
        text = "The name may have 1 to 64 letters a–z, digits and . _ @ + -, and starts with a letter or digit."
        raise UserError(text, "username")
    return name


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise UserError(f"The role must be one of {', '.join(ROLES)}.", "role")


def _checked_password(password: str | None, name: str) -> str:
    if password is None:
        return make_password()
    check_rules(password, name)
    return password


def _existing(connection: Connection, name: str) -> User:
    user = users.find_by_username(connection, name)
    if user is None:
        raise UserError(f"There is no user {name}; `./run.sh users list` shows them all.", "username")
    return user
