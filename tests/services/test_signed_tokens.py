"""Signed tokens: what is taken, and every way to forge one."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.callers import Caller, InvalidToken, hash_token
from services.jwt_keys import read_keys
from services.signed_tokens import LEEWAY_SECONDS, SignedTokenReader
from tests.support.clock import StandingClock
from tests.support.tokens import AUDIENCE, SECRET, key_set, private_key, public_jwk, secret_jwk, signed

CLOCK = StandingClock()
NOW = int(CLOCK.now().timestamp())
CLAIMS: dict[str, Any] = {"sub": "crm", "aud": AUDIENCE, "exp": NOW + 60, "scope": "predict read"}
PEM = private_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def reader(clock: StandingClock) -> SignedTokenReader:
    return SignedTokenReader(read_keys(key_set(public_jwk(private_key()), secret_jwk())), AUDIENCE, clock)


def verify(reader: SignedTokenReader, token: str) -> Caller:
    return reader.verify(token, hash_token(token))


def with_claims(**changes: Any) -> str:
    return signed({name: value for name, value in {**CLAIMS, **changes}.items() if value is not None})


def part(document: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def unsigned(algorithm: str, kid: str = "rsa-1", signature: str = "") -> str:
    return f"{part({'alg': algorithm, 'typ': 'JWT', 'kid': kid})}.{part(CLAIMS)}.{signature}"


def hmac_with(key: bytes, kid: str) -> str:
    """Put together by hand: PyJWT signs nothing with a public key as the secret."""
    begun = f"{part({'alg': 'HS256', 'kid': kid})}.{part(CLAIMS)}"
    mac = hmac.new(key, begun.encode(), hashlib.sha256).digest()
    return f"{begun}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def test_both_kinds_of_keys_sign(reader: SignedTokenReader) -> None:
    expected = Caller("crm", frozenset({"predict", "read"}), signed=True)
    assert verify(reader, signed(CLAIMS)) == expected
    assert verify(reader, signed(CLAIMS, "oct-1", SECRET, "HS256")) == expected
    assert verify(reader, hmac_with(SECRET, "oct-1")) == expected


@pytest.mark.parametrize(
    "token",
    [
        unsigned("none"),
        unsigned("None", "oct-1"),
        unsigned("none", signature="AAAA"),
        unsigned("RS256"),
        hmac_with(PEM, "rsa-1"),
        hmac_with(PEM.strip(), "rsa-1"),
        hmac_with(json.dumps(public_jwk(private_key())).encode(), "rsa-1"),
        hmac_with(SECRET, "rsa-1"),
        hmac_with(b"", "oct-1"),
        signed(CLAIMS, "oct-1"),
        signed(CLAIMS, "rsa-1", private_key(number=1)),
        signed(CLAIMS, "rsa-1", algorithm="RS512"),
        signed(CLAIMS, "rsa-1", algorithm="PS256"),
        signed(CLAIMS, None),
        signed(CLAIMS, ""),
        signed(CLAIMS, "rsa-2"),
        signed(CLAIMS)[:-4] + "AAAA",
        signed(CLAIMS).replace(".", "..", 1),
        "ey.ey.ey",
        "eyé.a.b",
        f"{base64.urlsafe_b64encode(b'[' * 5_000).decode()}.a.b",
        with_claims(exp=None),
        with_claims(aud=None),
        with_claims(aud="another"),
        with_claims(aud=[]),
        with_claims(exp=NOW - LEEWAY_SECONDS),
        with_claims(exp=True),
        with_claims(exp=str(NOW + 60)),
        with_claims(exp=float("inf")),
        with_claims(exp=float("nan")),
        with_claims(exp=[NOW + 60]),
        with_claims(nbf=NOW + LEEWAY_SECONDS + 1),
        with_claims(nbf="soon"),
        with_claims(nbf=10**400),
        with_claims(sub=""),
        with_claims(sub="a\nb"),
        with_claims(sub="\ud800"),
        with_claims(sub="x" * 91),
    ],
)
def test_anything_else_is_invalid(reader: SignedTokenReader, token: str) -> None:
    for _ in range(2):
        with pytest.raises(InvalidToken):
            verify(reader, token)


def test_a_claims_set_that_somebody_changed_is_invalid(reader: SignedTokenReader) -> None:
    head, _claims, signature = signed(CLAIMS).split(".")
    with pytest.raises(InvalidToken):
        verify(reader, f"{head}.{part({**CLAIMS, 'scope': 'config:write'})}.{signature}")


@pytest.mark.parametrize(
    ("changes", "scopes"),
    [
        ({"scope": None}, set()),
        ({"scope": ["predict"]}, set()),
        ({"scope": "predict everything"}, {"predict"}),
        ({"aud": ["another", AUDIENCE]}, {"predict", "read"}),
        ({"nbf": NOW + LEEWAY_SECONDS, "exp": NOW - LEEWAY_SECONDS + 1}, {"predict", "read"}),
        ({"exp": NOW + 0.5}, {"predict", "read"}),
    ],
)
def test_what_a_token_allows_is_in_scope_alone(
    reader: SignedTokenReader, changes: dict[str, Any], scopes: set[str]
) -> None:
    assert verify(reader, with_claims(**changes)).scopes == scopes


def test_without_sub_the_caller_has_a_name_all_the_same(reader: SignedTokenReader) -> None:
    assert verify(reader, with_claims(sub=None)).actor == "signed: signed token"


@pytest.mark.parametrize("name", ["etl", "ACCESS_TOKEN"])
def test_a_signed_caller_passes_for_no_other_token_of_its_name(reader: SignedTokenReader, name: str) -> None:
    assert verify(reader, with_claims(sub=name)).actor == f"signed: {name}"
    assert Caller(name, frozenset()).actor == f"token: {name}"


def test_a_token_that_was_good_expires_all_the_same(reader: SignedTokenReader, clock: StandingClock) -> None:
    token = signed(CLAIMS)
    assert verify(reader, token) == verify(reader, token)
    clock.move(timedelta(seconds=60 + LEEWAY_SECONDS))
    with pytest.raises(InvalidToken):
        verify(reader, token)


def test_keys_rotate_by_standing_side_by_side(clock: StandingClock) -> None:
    old, new = signed(CLAIMS), signed(CLAIMS, "rsa-2", private_key(number=1))
    newer = public_jwk(private_key(number=1), "rsa-2")
    both = SignedTokenReader(read_keys(key_set(public_jwk(private_key()), newer)), AUDIENCE, clock)
    assert verify(both, old) == verify(both, new)
    after = SignedTokenReader(read_keys(key_set(newer)), AUDIENCE, clock)
    assert verify(after, new)
    with pytest.raises(InvalidToken, match="kid"):
        verify(after, old)
