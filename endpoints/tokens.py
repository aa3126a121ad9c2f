"""The access token of the API: a Bearer header, or `token` in the JSON body; never the address line.

Whoever calls is in `g.caller` once the token is found right.
"""

from collections.abc import Callable
from hmac import compare_digest
from typing import Any, TypeVar

import structlog
from flask import Request, g, request

from endpoints.bodies import read_object, read_object_or_array
from endpoints.edge import wiring
from endpoints.errors import RETRY_AFTER_SECONDS
from endpoints.problems import Problem, field_problem
from services.callers import Caller, InvalidToken, Scope, TokensAway, WrongToken, hash_token

T = TypeVar("T")
log = structlog.get_logger()
CHALLENGE = 'Bearer realm="holdfast"'
NEEDED = "a valid access token is needed: Authorization: Bearer …, or token in the JSON body"
AWAY = "the database, which knows this token, does not answer now; try again"


def require_token(scope: Scope) -> None:
    """For calls whose token comes in the header. Raises Problem 401, 403 or 503."""
    _check(bearer(request), scope)


def body_with_token(scope: Scope) -> dict[str, Any]:
    """The JSON object in the body, without its token, once the token is found right. Raises Problem 401, 403 or
    503, and what `read_object` raises."""
    return _with_token(read_object, scope)


def object_or_array_with_token(scope: Scope) -> dict[str, Any] | list[Any]:
    """Likewise, where an array may come as well, whose token can only be in the header."""
    return _with_token(read_object_or_array, scope)


def require_metrics_token() -> None:
    """For /metrics, which a scraper may read by a token of its own. Raises Problem 401, 403 or 503."""
    given, own = bearer(request), wiring().settings.metrics_token.get_secret_value()
    if not (given and own and compare_digest(hash_token(given), hash_token(own))):
        _check(given, "metrics")


def bearer(incoming: Request) -> str | None:
    """The token of the header, if there is one."""
    scheme, _, token = incoming.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def caller() -> Caller:
    """Who sends this call; to be asked once its token was found right."""
    found: Caller = g.caller
    return found


def _with_token(read: Callable[[Request], T], scope: Scope) -> T:
    token = bearer(request)
    if token is not None:
        _check(token, scope)
    body = read(request) if token is not None else _body_or_unauthorised(read)
    told = isinstance(body, dict) and "token" in body
    held = body.pop("token") if isinstance(body, dict) and told else None
    if token is None:
        _check(held, scope)
    elif told and not isinstance(held, str):
        raise field_problem("token", "must be text; the header Authorization has one already")
    return body


def _body_or_unauthorised(read: Callable[[Request], T]) -> T:
    """A body that cannot be read cannot hold a token either: the caller hears of the token first."""
    try:
        return read(request)
    except Problem as problem:
        raise (_unauthorised(CHALLENGE) if problem.status in (400, 422) else problem) from None


def _check(token: object, scope: Scope) -> None:
    if token is None:
        raise _unauthorised(CHALLENGE)
    found = _identified(token)
    if scope not in found.scopes:
        detail = f"this token lacks the scope {scope}: send one that has it"
        raise Problem(403, detail, headers={"WWW-Authenticate": _challenge("insufficient_scope", f', scope="{scope}"')})
    g.caller = found


def _identified(token: object) -> Caller:
    try:
        return wiring().callers.identify(token if isinstance(token, str) else "")
    except WrongToken:
        raise Problem(403, "access denied") from None
    except InvalidToken as error:
        log.info("token_refused", why=str(error))
        raise _unauthorised(_challenge("invalid_token")) from None
    except TokensAway:
        raise Problem(503, AWAY, headers={"Retry-After": RETRY_AFTER_SECONDS}) from None


def _challenge(error: str, more: str = "") -> str:
    """As RFC 6750 spells it."""
    return f'{CHALLENGE}, error="{error}"{more}'


def _unauthorised(challenge: str) -> Problem:
    """One body for every reason: whoever guesses learns nothing from it."""
    return Problem(401, NEEDED, headers={"WWW-Authenticate": challenge})
