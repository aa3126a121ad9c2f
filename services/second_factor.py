"""The second factor: codes by time (TOTP, RFC 6238), and recovery codes for who lost the device."""

import base64
import hashlib
import hmac
from datetime import datetime, timedelta

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pyotp import HOTP, TOTP, random_base32
from sqlalchemy import Connection, Engine

from data import users
from data.users import User
from helpers.clock import Clock
from helpers.errors import UserError
from helpers.passwords import make_password
from services.audit import note
from services.sign_in import CodeNeeded, begin

ISSUER = "Holdfast"
STEP_SECONDS = 30
RECOVERY_CODES = 8
PATIENCE = timedelta(minutes=10)  # between the password and the code
WRONG = "The code is not right, or it was used already. Enter the one that is shown now."


class SecondFactor:
    """Secrets are kept encrypted under a key made of `secret_key`; with another key only recovery codes count."""

    def __init__(self, engine: Engine, clock: Clock, secret_key: str) -> None:
        self._engine = engine
        self._clock = clock
        self._seal = Fernet(_derived(secret_key))

    def start(self, user_id: int) -> str:
        """Makes a secret, which counts once a code of it is confirmed, and gives it as it is kept: sealed. Raises
        UserError when one is in force."""
        sealed = self._seal.encrypt(random_base32().encode()).decode()
        with self._engine.begin() as connection:
            user = _held(connection, user_id)
            if user.totp_confirmed_at:
                raise UserError("The second factor is on already: turn it off first.")
            users.set_secret(connection, user_id, sealed)
        return sealed

    def unconfirmed(self, user: User) -> tuple[str, str] | None:
        """The secret to be confirmed, as text and as the address in a QR code; None where there is none."""
        secret = self._secret(user) if user.totp_confirmed_at is None else None
        return (secret, TOTP(secret, name=user.username, issuer=ISSUER).provisioning_uri()) if secret else None

    def confirm(self, user_id: int, code: str, address: str) -> list[str]:
        """Turns the second factor on, and gives the recovery codes, which nobody can tell later. Raises UserError
        naming `code` when it is not right."""
        now = self._clock.now()
        with self._engine.begin() as connection:
            user = _held(connection, user_id)
            step = self._step(user, code, now) if user.totp_confirmed_at is None else None
            if step is not None:
                codes = [make_password() for _ in range(RECOVERY_CODES)]
                users.confirm_secret(connection, user_id, now, step, [_hashed(each) for each in codes])
                note(connection, now, user.username, "second_factor_on", user.username)
                return codes
            note(connection, now, user.username, "second_factor_refused", user.username, address=address)
        raise UserError(WRONG, "code")

    def cancel(self, user_id: int) -> None:
        """Forgets a secret that nobody confirmed."""
        with self._engine.begin() as connection:
            if _held(connection, user_id).totp_confirmed_at is None:
                users.set_secret(connection, user_id, None)

    def turn_off(self, user_id: int, code: str, address: str) -> None:
        """For a code of the app or a recovery code. Raises UserError naming `code` when it is neither, and when the
        second factor is off already."""
        now = self._clock.now()
        with self._engine.begin() as connection:
            user = _held(connection, user_id)
            if user.totp_confirmed_at is None:
                raise UserError("The second factor is off already.")
            if self._use(connection, user, code, now):
                users.set_secret(connection, user_id, None)
                note(connection, now, user.username, "second_factor_off", user.username)
                return
            note(connection, now, user.username, "second_factor_refused", user.username, address=address)
        raise UserError(WRONG, "code")

    def finish(self, needed: CodeNeeded, code: str, address: str) -> str | None:
        """The token of a new session for the code of the app or a recovery code; None for any other, and when the
        password was given too long ago or is another by now."""
        now = self._clock.now()
        with self._engine.begin() as connection:
            user = _held(connection, needed.user_id)
            if _outdated(needed, user, now):
                return None
            if self._use(connection, user, code, now):
                return begin(connection, user, now, address)
            note(connection, now, "anonymous", "second_factor_refused", user.username, address=address)
        return None

    def _use(self, connection: Connection, user: User, code: str, now: datetime) -> bool:
        """Whether the code counts; it does so once."""
        step = self._step(user, code, now)
        if step is not None:
            users.set_last_step(connection, user.id, step)
            return True
        left = [each for each in user.recovery_hashes or [] if each != _hashed(code)]
        used = len(left) < len(user.recovery_hashes or [])
        if used:
            users.set_recovery_hashes(connection, user.id, left)
            note(connection, now, user.username, "recovery_code_used", user.username, left=str(len(left)))
        return used

    def _step(self, user: User, code: str, now: datetime) -> int | None:
        """The step whose code it is: this one, the one before or the one after, if later than the last one used."""
        secret, given = self._secret(user), "".join(code.split())
        if secret is None or len(given) != 6 or not given.isascii():
            return None
        current = int(now.timestamp()) // STEP_SECONDS
        fresh = [step for step in (current - 1, current, current + 1) if step > (user.totp_last_step or 0)]
        return next((step for step in fresh if hmac.compare_digest(HOTP(secret).at(step), given)), None)

    def _secret(self, user: User) -> str | None:
        try:
            return self._seal.decrypt(user.totp_secret).decode() if user.totp_secret else None
        except InvalidToken:  # SECRET_KEY is another by now
            return None


def _outdated(needed: CodeNeeded, user: User, now: datetime) -> bool:
    changed = needed.since < user.password_changed_at or user.disabled_at is not None
    return changed or now - needed.since >= PATIENCE or user.totp_confirmed_at is None


def _held(connection: Connection, user_id: int) -> User:
    """The account, while nobody else uses a code of it. Raises UserError when it is gone."""
    users.hold_all(connection)
    user = users.find(connection, user_id)
    if user is None:
        raise UserError("There is no such user any more.")
    return user


def _hashed(code: str) -> str:
    """A recovery code has 120 bits, so a plain hash of it cannot be guessed back."""
    return hashlib.sha256("".join(code.split()).replace("-", "").casefold().encode()).hexdigest()


def _derived(secret_key: str) -> bytes:
    key = HKDF(SHA256(), 32, salt=None, info=b"holdfast second factor").derive(secret_key.encode())
    return base64.urlsafe_b64encode(key)
