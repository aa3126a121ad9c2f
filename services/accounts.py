"""The people who may open the pages, and how their accounts change."""

import re
from datetime import datetime
from typing import Literal, get_args

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from data import sessions, users
from data.users import User
from helpers.clock import Clock
from helpers.errors import UserError
from helpers.passwords import check_rules, hash_password, make_password, verify_password
from services.audit import note
from services.sign_in import SignInService, spell_name

Role = Literal["viewer", "manager", "admin"]
ROLES: tuple[str, ...] = get_args(Role)
ADMIN: Role = "admin"
FIRST_USER = "admin"
_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")


class AccountService:
    """Changes accounts, each change with its line in the audit log; `sessions` signs people in and out."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self.sessions = SignInService(engine, clock)

    def add(self, username: str, role: str, password: str | None, actor: str) -> tuple[str, str]:
        """Adds a user, with a password of our making when none is given. Returns name and password.

        Raises UserError for a name or password against the rules, an unknown role, or a name in use.
        """
        name = _checked_name(username)
        chosen = _checked_password(password, name)
        if role not in ROLES:
            raise UserError(f"The role must be one of {', '.join(ROLES)}.", "role")
        hashed, now = hash_password(chosen), self._clock.now()
        try:
            with self._engine.begin() as connection:
                users.add(connection, name, hashed, role, now)
                note(connection, now, actor, "user_added", name, role=role)
        except IntegrityError:
            raise UserError(f"There is a user {name} already: choose another name.", "username") from None
        return name, chosen

    def set_password(self, username: str, password: str | None, actor: str) -> str:
        """Sets the password and ends every session of the user. Returns the password; see `add`."""
        name = spell_name(username)
        chosen = _checked_password(password, name)
        hashed, now = hash_password(chosen), self._clock.now()
        with self._engine.begin() as connection:
            user = _existing(connection, name)
            users.set_password_hash(connection, user.id, hashed, now)
            sessions.close_all(connection, user.id)
            note(connection, now, actor, "password_set", name)
        return chosen

    def change_password(self, username: str, current: str, password: str, address: str) -> None:
        """A person's own change of password; every session of theirs ends, so that a new one must be begun.

        Raises UserError naming `current` when that is not the password in force, else see `add`.
        """
        self.confirm_person(username, current, address)
        self.set_password(username, password, username)

    def confirm_person(self, username: str, current: str, address: str) -> User:
        """The account, for what takes more than a session. Raises UserError naming `current` for a wrong password."""
        user = self.one(username)
        if not verify_password(user.password_hash, current):
            with self._engine.begin() as connection:
                note(connection, self._clock.now(), username, "password_refused", username, address=address)
            raise UserError("This is not your password.", "current")
        return user

    def set_role(self, username: str, role: str, actor: str) -> None:
        """Gives the user another role and ends every session. Raises UserError for an unknown user or role, and for
        the last administrator."""
        if role not in ROLES:
            raise UserError(f"The role must be one of {', '.join(ROLES)}.", "role")
        with self._engine.begin() as connection:
            user = _held(connection, username)
            if user.role == role:
                return
            _keep_an_admin(connection, user, "role")
            users.set_role(connection, user.id, role)
            sessions.close_all(connection, user.id)
            note(connection, self._clock.now(), actor, "role_set", user.username, before=user.role, after=role)

    def disable(self, username: str, actor: str) -> None:
        """Shuts the user out and ends every session. Raises UserError when there is no such user, and for the last
        administrator."""
        now = self._clock.now()
        with self._engine.begin() as connection:
            user = _held(connection, username)
            _keep_an_admin(connection, user, "username")
            users.disable(connection, user.id, now)
            sessions.close_all(connection, user.id)
            note(connection, now, actor, "user_disabled", user.username)

    def enable(self, username: str, actor: str) -> None:
        """Lets the user in again. Raises UserError when there is no such user."""
        with self._engine.begin() as connection:
            user = _held(connection, username)
            users.enable(connection, user.id)
            note(connection, self._clock.now(), actor, "user_enabled", user.username)

    def reset_second_factor(self, username: str, actor: str) -> None:
        """Takes the second factor away and ends every session, for who lost it. Raises UserError for no such user."""
        with self._engine.begin() as connection:
            user = _held(connection, username)
            users.set_secret(connection, user.id, None)
            sessions.close_all(connection, user.id)
            note(connection, self._clock.now(), actor, "second_factor_reset", user.username)

    def one(self, username: str) -> User:
        """The account of that name. Raises UserError when there is no such user."""
        with self._engine.connect() as connection:
            return _existing(connection, spell_name(username))

    def everyone(self) -> list[User]:
        with self._engine.connect() as connection:
            return users.list_users(connection)

    def last_seen(self) -> dict[int, datetime]:
        """When each user with a session was last seen, by id."""
        with self._engine.connect() as connection:
            return sessions.last_seen(connection)

    def ensure_first_user(self) -> tuple[str, str] | None:
        """Name and password of an administrator, made when there was no user at all; else None."""
        if self.everyone():
            return None
        try:
            return self.add(FIRST_USER, "admin", None, "first start")
        except UserError:
            return None  # a process that started at the same time was quicker


def _checked_name(username: str) -> str:
    name = spell_name(username)
    if not _NAME.fullmatch(name):
        rule = "1 to 64 letters a–z, digits and . _ @ + -, with a letter or digit first"
        raise UserError(f"The name must have {rule}.", "username")
    return name


def _checked_password(password: str | None, name: str) -> str:
    if password is None:
        return make_password()
    check_rules(password, name)
    return password


def _held(connection: Connection, name: str) -> User:
    """The account, while nobody else changes who is an administrator."""
    users.hold_all(connection)
    return _existing(connection, spell_name(name))


def _keep_an_admin(connection: Connection, user: User, field: str) -> None:
    """Raises UserError when nobody but `user` could look after the accounts."""
    admins = [each for each in users.list_users(connection) if each.role == ADMIN and each.disabled_at is None]
    if [each.id for each in admins] == [user.id]:
        text = f"{user.username} is the only administrator: make somebody else one first"
        raise UserError(text, field)


def _existing(connection: Connection, name: str) -> User:
    user = users.find_by_username(connection, name)
    if user is None:
        raise UserError(f"There is no user {name}; `./run.sh users list` shows them all.", "username")
    return user
