"""The access token of the API: a Bearer header, or `token` in the JSON body; never the address line."""

from collections.abc import Callable
from hmac import compare_digest
from typing import Any, TypeVar

from flask import Request, request

from endpoints.bodies import read_object, read_object_or_array
from endpoints.edge import wiring
from endpoints.problems import Problem

T = TypeVar("T")


def require_token() -> None:
    """For calls whose token comes in the header. Raises Problem 401 or 403."""
    _check(_bearer(request))


def body_with_token() -> dict[str, Any]:
    """The JSON object in the body, without its token, once the token is found right. Raises Problem 401 or
    403, and what `read_object` raises."""
    return _with_token(read_object)


def object_or_array_with_token() -> dict[str, Any] | list[Any]:
    """Likewise, where an array may come as well, whose token can only be in the header."""
    return _with_token(read_object_or_array)


def _with_token(read: Callable[[Request], T]) -> T:
    token = _bearer(request)
    if token is not None:
        _check(token)
    body = read(request) if token is not None else _body_or_unauthorised(read)
    held = body.pop("token", None) if isinstance(body, dict) else None
    if token is None:
        _check(held)
    return body


def require_metrics_token() -> None:
    """For /metrics, which a scraper may read by a token of its own. Raises Problem 401 or 403."""
    settings = wiring().settings
    given, own = _bearer(request), settings.metrics_token.get_secret_value()
    if not (given and own and _same(given, own)):
        _check(given)


def _bearer(incoming: Request) -> str | None:
    scheme, _, token = incoming.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def _body_or_unauthorised(read: Callable[[Request], T]) -> T:
    """A body that cannot be read cannot hold a token either: the caller hears of the token first."""
    try:
        return read(request)
    except Problem as problem:
        raise (_missing() if problem.status in (400, 422) else problem) from None


def _check(token: object) -> None:
    if token is None:
        raise _missing()
    if not isinstance(token, str) or not _same(token, wiring().settings.access_token.get_secret_value()):
        raise Problem(403, "access denied")


def _same(given: str, token: str) -> bool:
    return compare_digest(given.encode("utf-8", "replace"), token.encode())


def _missing() -> Problem:
    detail = "an access token is needed: Authorization: Bearer …, or token in the JSON body"
    return Problem(401, detail, headers={"WWW-Authenticate": 'Bearer realm="holdfast"'})
