"""The keys of JWT_KEYS: a JSON Web Key Set (RFC 7517), read and checked once."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import HMACAlgorithm, RSAAlgorithm

from helpers.errors import UserError

NAME = "JWT_KEYS"
EXAMPLE = '{"keys": [{"kid": "2026-11", "kty": "RSA", "alg": "RS256", "n": "…", "e": "AQAB"}]}'
LEAST_RSA_BITS = 2_048
LEAST_SECRET_BYTES = 32
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key and the one algorithm it is for."""

    algorithm: str
    key: RSAPublicKey | bytes


def read_keys(text: str) -> Mapping[str, SigningKey]:
    """The keys by `kid`; none for an empty text. Raises UserError naming JWT_KEYS, and never showing a key."""
    if not text:
        return {}
    listed = _listed(text)
    found = {_kid(place, entry): _signing_key(place, entry) for place, entry in enumerate(listed)}
    if len(found) < len(listed):
        raise _unusable("two of its keys have the same kid")
    return found


def _listed(text: str) -> list[Any]:
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        raise _unusable("it is not JSON") from None
    listed = parsed.get("keys") if isinstance(parsed, dict) else None
    if not isinstance(listed, list) or not listed:
        raise _unusable("it is an object whose keys are a list of at least one")
    return listed


def _kid(place: int, entry: Any) -> str:
    kid = entry.get("kid") if isinstance(entry, dict) else None
    if not isinstance(kid, str) or not kid:
        raise _unusable(f"keys.{place} needs a kid, by which tokens name it")
    return kid


def _signing_key(place: int, entry: Mapping[str, Any]) -> SigningKey:
    where = f"keys.{place}"
    algorithm, read = _KINDS.get(str(entry.get("kty")), (None, None))
    if read is None or entry.get("alg", algorithm) != algorithm or entry.get("use", "sig") != "sig":
        raise _unusable(f"{where} must be an RSA key for RS256 or an oct key for HS256, to check signatures")
    try:
        return SigningKey(str(algorithm), read(where, entry))
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):  # their messages may show the key
        raise _unusable(f"{where} is malformed") from None


def _rsa(where: str, entry: Mapping[str, Any]) -> RSAPublicKey:
    if "d" in entry:
        raise _unusable(f"{where} is a private key: give its public half alone")
    key = RSAAlgorithm.from_jwk(dict(entry))
    if not isinstance(key, RSAPublicKey) or key.key_size < LEAST_RSA_BITS:
        raise _unusable(f"{where} must have at least {LEAST_RSA_BITS} bits")
    return key


def _secret(where: str, entry: Mapping[str, Any]) -> bytes:
    if not _BASE64URL.fullmatch(str(entry["k"]).rstrip("=")):
        raise _unusable(f"the k of {where} must be spelled in base64url")
    key = HMACAlgorithm.from_jwk(dict(entry))
    if len(key) < LEAST_SECRET_BYTES:
        raise _unusable(f"the k of {where} must have at least {LEAST_SECRET_BYTES} bytes")
    return key


def _unusable(why: str) -> UserError:
    return UserError(f"{NAME} is not usable: {why}. It is a JSON Web Key Set: {EXAMPLE}.", NAME)


_KINDS: Mapping[str, tuple[str, Callable[[str, Mapping[str, Any]], RSAPublicKey | bytes]]] = {
    "RSA": ("RS256", _rsa),
    "oct": ("HS256", _secret),
}
