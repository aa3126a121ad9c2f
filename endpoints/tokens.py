"""The access token of the API: a Bearer header, or `token` in the JSON body; never the address line."""

from hmac import compare_digest
from typing import Any

from flask import Request, request

from endpoints.bodies import read_object
from endpoints.edge import wiring
from endpoints.problems import Problem


def require_token() -> None:
    """For calls whose token comes in the header. Raises Problem 401 or 403."""
    _check(_bearer(request))


def body_with_token() -> dict[str, Any]:
    """The JSON body, without its token, once the token is found right. Raises Problem 401 or 403, and
    what `read_object` raises."""
    token = _bearer(request)
    if token is not None:
        _check(token)
        body = read_object(request)
        body.pop("token", None)
        return body
    body = _body_or_unauthorised()
    _check(body.pop("token", None))
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


def _body_or_unauthorised() -> dict[str, Any]:
    """A body that cannot be read cannot hold a token either: the caller hears of the token first."""
    try:
        return read_object(request)
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
