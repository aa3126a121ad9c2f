"""Password hashing: argon2id at 19 MiB, 2 passes, 1 lane (OWASP Password Storage Cheat Sheet)."""

import secrets
import unicodedata
from functools import cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from helpers.errors import UserError
from helpers.known_passwords import holds_little_more_than, is_known, repeated_part

SHORTEST = 12
LONGEST = 256
PRODUCT = "holdfast"
MEMORY_KIB, PASSES, LANES = 19 * 1024, 2, 1
AT_ONCE = BoundedSemaphore(2)  # bounds the memory and CPU that a burst of sign-ins can take


def hash_password(password: str) -> str:
    """The PHC string that is stored in place of the password."""
    with AT_ONCE:
        return _hasher().hash(_spelling(password))


def verify_password(stored: str | None, password: str) -> bool:
    """Whether `password` made the `stored` hash. Takes as long for None, that is for an unknown user."""
    with AT_ONCE:
        decoy = _nobodys_hash()
        return _matches(stored or decoy, password) and stored is not None


def needs_rehash(stored: str) -> bool:
    """Whether the hash was made at another cost than today's."""
    return _hasher().check_needs_rehash(stored)


def check_rules(password: str, username: str) -> None:
    """Raises UserError unless a person may choose this password: long, and none that guessers try first."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise UserError(f"The password must have {SHORTEST} to {LONGEST} characters.", "password")
    if not password.isprintable():
        raise UserError("The password may hold printable characters and spaces only.", "password")
    if len(set(password)) < 5:
        raise UserError("The password repeats too few characters: use at least 5 different ones.", "password")
    if len(repeated_part(password)) < SHORTEST:
        raise UserError("The password repeats itself: choose another.", "password")
    if holds_little_more_than(password, username):
        raise UserError("The password is little more than the user name: choose another.", "password")
    if holds_little_more_than(password, PRODUCT):
        raise UserError("The password is little more than the name of this service: choose another.", "password")
    if is_known(password):
        raise UserError("The password is one that guessers try first: choose another.", "password")


def make_password() -> str:
    """A random password of 120 bits, in groups that a person can type."""
    letters = "abcdefghijkmnpqrstuvwxyz23456789"
    groups = ("".join(secrets.choice(letters) for _ in range(4)) for _ in range(6))
    return "-".join(groups)


def _matches(stored: str, password: str) -> bool:
    try:
        return _hasher().verify(stored, _spelling(password))
    except (Argon2Error, InvalidHashError):
        return False


def _spelling(password: str) -> str:
    """NFKC, so that one password typed on two keyboards is the same (NIST SP 800-63B, 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)


@cache
def _nobodys_hash() -> str:
    return _hasher().hash(secrets.token_urlsafe(32))
