"""Keys that sign tokens, and what tokens they sign."""

import json
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import HMACAlgorithm, RSAAlgorithm

SECRET = b"a secret of thirty-two characters!"
AUDIENCE = "holdfast"


@cache
def private_key(bits: int = 2_048, number: int = 0) -> rsa.RSAPrivateKey:
    """A key for each `number`, made once."""
    return rsa.generate_private_key(65_537, bits)


def public_jwk(key: rsa.RSAPrivateKey, kid: str = "rsa-1", **changes: Any) -> dict[str, Any]:
    return {**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "alg": "RS256", **changes}


def secret_jwk(secret: bytes = SECRET, kid: str = "oct-1", **changes: Any) -> dict[str, Any]:
    return {**HMACAlgorithm.to_jwk(secret, as_dict=True), "kid": kid, **changes}


def key_set(*keys: dict[str, Any]) -> str:
    return json.dumps({"keys": list(keys)})


def signed(claims: dict[str, Any], kid: str | None = "rsa-1", key: Any = None, algorithm: str = "RS256") -> str:
    """A token with these claims, by the first private key unless another is given."""
    headers = {} if kid is None else {"kid": kid}
    return jwt.encode(claims, private_key() if key is None else key, algorithm, headers)
