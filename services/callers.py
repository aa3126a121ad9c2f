"""Who sends a call, by the token that comes with it, and what that token may do."""

import hashlib
from dataclasses import dataclass
from hmac import compare_digest
from typing import Literal, Protocol, get_args

Scope = Literal["predict", "outcomes", "read", "config:read", "config:write", "metrics"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
PREFIX = "hf_"
OF_THE_SETTINGS = "ACCESS_TOKEN"
LONGEST = 8_192  # characters; nothing longer is a token, or worth a hash


class WrongToken(Exception):
    """No token of this service."""


class InvalidToken(Exception):
    """Expired, or signed otherwise than it should be; the message says why, to the log alone."""


class TokensAway(Exception):
    """It may be a token, but the store that knows does not answer."""


@dataclass(frozen=True, slots=True)
class Caller:
    """`name`: of the token, or the `sub` of a `signed` one, which others chose."""

    name: str
    scopes: frozenset[str]
    signed: bool = False

    @property
    def actor(self) -> str:
        """As an author and in the audit log, where it must not pass for a person or another token of the same name."""
        return f"{'signed' if self.signed else 'token'}: {self.name}"


class MadeTokens(Protocol):
    def find(self, token_hash: str) -> Caller:
        """Raises WrongToken, InvalidToken or TokensAway."""
        ...


class SignedTokens(Protocol):
    def verify(self, token: str, token_hash: str) -> Caller:
        """Raises InvalidToken."""
        ...


def hash_token(token: str) -> str:
    """SHA-256, 64 hexadecimal digits."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


class Callers:
    """Knows the token of the settings, which may do everything, the tokens made here, and those signed elsewhere.

    Whatever is compared is compared as SHA-256, so that no time tells how much of a guess is right.
    """

    def __init__(self, access_token: str, made: MadeTokens, signed: SignedTokens) -> None:
        self._own_hash = hash_token(access_token)
        self._own = Caller(OF_THE_SETTINGS, frozenset(SCOPES))
        self._made = made
        self._signed = signed

    def identify(self, token: str) -> Caller:
        """Whose token it is. Raises WrongToken, InvalidToken or TokensAway."""
        if not 0 < len(token) <= LONGEST:
            raise WrongToken
        token_hash = hash_token(token)
        if compare_digest(token_hash, self._own_hash):
            return self._own
        if token.startswith(PREFIX):
            return self._made.find(token_hash)
        if looks_signed(token):
            return self._signed.verify(token, token_hash)
        raise WrongToken


def looks_signed(token: str) -> bool:
    """Whether it has the form of a JSON Web Token: three parts, the first of which encodes an object."""
    return token.startswith("ey") and token.count(".") == 2
