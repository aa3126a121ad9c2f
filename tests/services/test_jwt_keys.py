"""JWT_KEYS is read once, and refused as a whole, without showing a key, when one of its keys is not usable."""

import json
from typing import Any

import pytest
from jwt.algorithms import RSAAlgorithm

from app_settings import load_settings
from helpers.errors import UserError
from services.jwt_keys import read_keys
from tests.support.tokens import SECRET, key_set, private_key, public_jwk, secret_jwk
from wiring import build_wiring


def test_a_key_has_one_algorithm_that_of_its_kind() -> None:
    read = read_keys(key_set(public_jwk(private_key()), secret_jwk(), secret_jwk(kid="oct-2", alg="HS256", use="sig")))
    assert {kid: key.algorithm for kid, key in read.items()} == {"rsa-1": "RS256", "oct-1": "HS256", "oct-2": "HS256"}
    assert read["oct-1"].key == SECRET


def test_no_keys_are_no_keys() -> None:
    assert read_keys("") == {}


def rsa_with(**changes: Any) -> dict[str, Any]:
    return public_jwk(private_key(), **changes)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "a list of at least one"),
        ('{"keys": []}', "a list of at least one"),
        ('{"keys": {}}', "a list of at least one"),
        (key_set(rsa_with(kid=None)), "keys.0 needs a kid"),
        (key_set(rsa_with(kid="")), "keys.0 needs a kid"),
        ('{"keys": ["rsa"]}', "keys.0 needs a kid"),
        (key_set(rsa_with(), rsa_with()), "same kid"),
        (key_set(secret_jwk(), rsa_with(alg="RS512")), "keys.1 must be an RSA key for RS256"),
        (key_set(rsa_with(alg="HS256")), "keys.0 must be an RSA key for RS256"),
        (key_set(secret_jwk(alg="RS256")), "keys.0 must be"),
        (key_set(secret_jwk(alg="none")), "keys.0 must be"),
        (key_set(rsa_with(kty="EC")), "keys.0 must be"),
        (key_set(rsa_with(kty=["RSA"])), "keys.0 must be"),
        (key_set(rsa_with(use="enc")), "keys.0 must be"),
        (key_set(rsa_with(n="!")), "keys.0 is malformed"),
        (key_set({"kid": "a", "kty": "RSA"}), "keys.0 is malformed"),
        (key_set({"kid": "a", "kty": "oct"}), "keys.0 is malformed"),
        (key_set(secret_jwk(k="blanks are no base64url, whatever their length is")), "spelled in base64url"),
        (key_set(secret_jwk(k=5)), "keys.0"),
        (key_set(secret_jwk(SECRET[:31])), "at least 32 bytes"),
        (key_set(public_jwk(private_key(1_024))), "at least 2048 bits"),
    ],
)
def test_an_unusable_key_is_named(text: str, complaint: str) -> None:
    with pytest.raises(UserError, match="JWT_KEYS is not usable") as refused:
        read_keys(text)
    assert complaint in str(refused.value)
    assert refused.value.field == "JWT_KEYS"


def test_a_private_key_is_refused_and_not_shown() -> None:
    half = {**RSAAlgorithm.to_jwk(private_key(), as_dict=True), "kid": "rsa-1"}
    with pytest.raises(UserError, match="public half alone") as refused:
        read_keys(key_set(half))
    assert half["d"][:8] not in str(refused.value)


def test_the_service_does_not_start_with_keys_that_are_none(tmp_path: Any) -> None:
    settings = load_settings({"VAR_DIR": str(tmp_path), "JWT_KEYS": json.dumps({"keys": [secret_jwk(b"short")]})})
    with pytest.raises(UserError, match="JWT_KEYS"):
        build_wiring(settings)
