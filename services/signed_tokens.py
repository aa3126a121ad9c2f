"""JSON Web Tokens (RFC 7519) that somebody else signed, checked by the keys of JWT_KEYS.

The `kid` of a token chooses the key, and the key the algorithm: what the token says of its algorithm must agree.
"""

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from cachetools import LRUCache

from helpers.clock import Clock
from services.callers import SCOPES, Caller, InvalidToken
from services.jwt_keys import SigningKey

LEEWAY_SECONDS = 30  # by which the signer's clock may differ from ours
REMEMBERED = 1_024
LONGEST_SUBJECT = 90
NAMELESS = "signed token"
# Times are left to us: they are looked at each time a token comes, its signature only the first time.
_OPTIONS: Any = {"require": ["exp", "aud"], "verify_exp": False, "verify_nbf": False, "verify_iat": False}


@dataclass(frozen=True, slots=True)
class _Verified:
    """Both times in seconds since 1970."""

    caller: Caller
    begins: float
    ends: float


class SignedTokenReader:
    """Checks signed tokens; the last `REMEMBERED` good ones are remembered by their hash."""

    def __init__(self, keys: Mapping[str, SigningKey], audience: str, clock: Clock) -> None:
        self._keys = keys
        self._audience = audience
        self._clock = clock
        self._lock = threading.Lock()
        self._verified: LRUCache[str, _Verified] = LRUCache(REMEMBERED)

    def verify(self, token: str, token_hash: str) -> Caller:
        """Whom the token names in `sub`, and what it allows in `scope`. Raises InvalidToken unless its key is known,
        its signature right, `aud` ours, and the present instant between `nbf`, where it is given, and `exp`."""
        with self._lock:
            found = self._verified.get(token_hash)
        if found is None:
            found = self._check(token)
            with self._lock:
                self._verified[token_hash] = found
        now = self._clock.now().timestamp()
        if not found.begins - LEEWAY_SECONDS <= now < found.ends + LEEWAY_SECONDS:
            raise InvalidToken("expired, or not valid yet")
        return found.caller

    def _check(self, token: str) -> _Verified:
        try:
            key = self._key(jwt.get_unverified_header(token))
            claims = jwt.decode(token, key.key, [key.algorithm], _OPTIONS, audience=self._audience)
        except (jwt.PyJWTError, UnicodeError) as error:
            raise InvalidToken(f"{type(error).__name__}") from None
        begins = _instant(claims, "nbf") if "nbf" in claims else -math.inf
        return _Verified(_caller(claims), begins, _instant(claims, "exp"))

    def _key(self, header: Mapping[str, Any]) -> SigningKey:
        key = self._keys.get(header.get("kid", ""))
        if key is None:
            raise InvalidToken("its kid names no key of JWT_KEYS")
        return key


def _instant(claims: Mapping[str, Any], name: str) -> float:
    at = claims[name]
    if isinstance(at, bool) or not isinstance(at, int | float) or not -math.inf < at < math.inf:
        raise InvalidToken(f"{name} is no number")
    return at


def _caller(claims: Mapping[str, Any]) -> Caller:
    """Without `scope` a token allows nothing."""
    scope, subject = claims.get("scope"), claims.get("sub", NAMELESS)
    if not (0 < len(subject) <= LONGEST_SUBJECT and subject.isprintable()):
        raise InvalidToken(f"sub is not text of 1 to {LONGEST_SUBJECT} printable characters")
    allowed = frozenset(SCOPES).intersection(scope.split() if isinstance(scope, str) else ())
    return Caller(subject, allowed, signed=True)
