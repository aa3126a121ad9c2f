"""POST /predict without a framework around it, for the requests that need none: most of them.

What is out of the ordinary, and whatever goes wrong, is left to the application, which says of each error what it
always says: so there is one wording of errors, and here is only the way of a success.
"""

import time
from collections.abc import Iterable
from io import BytesIO
from typing import TYPE_CHECKING, Any

import orjson
from flask import Flask
from gunicorn.http.errors import ParseException
from structlog.contextvars import bind_contextvars, clear_contextvars

from endpoints.edge import attached
from endpoints.hardening import Hardening
from endpoints.observing import HEADER, note, request_id_of
from services.answers import Question
from services.callers import InvalidToken, TokensAway, WrongToken
from services.config.live import NotReady
from services.questions import Unfit, question
from wiring import Wiring

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ROUTES = frozenset({"/predict", "/v1/predict"})
FAILED = "holdfast.failed"
"""Where in the environ the application finds what an answer failed with, so that nothing is done twice."""
_BEARER = "Bearer "
_EXTRAORDINARY = ("QUERY_STRING", "HTTP_CONTENT_ENCODING", "HTTP_TRANSFER_ENCODING")


def quicken(app: Flask, hardening: Hardening) -> None:
    app.wsgi_app = QuickPredict(app.wsgi_app, attached(app), hardening)  # type: ignore[method-assign]


class QuickPredict:
    """Wraps the application."""

    def __init__(self, application: "WSGIApplication", wiring: Wiring, hardening: Hardening) -> None:
        self._application = application
        self._wiring = wiring
        self._hardening = hardening
        self._longest = wiring.settings.max_body_bytes

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["PATH_INFO"] in ROUTES and self._ordinary(environ):
            answered = self._answered(environ)
            if answered is not None:
                headers, body = answered
                start_response("200 OK", headers)
                return [body]
        return self._application(environ, start_response)

    def _ordinary(self, environ: "WSGIEnvironment") -> bool:
        get = environ.get
        length = get("CONTENT_LENGTH", "")
        return (
            environ["REQUEST_METHOD"] == "POST"
            and get("CONTENT_TYPE") == "application/json"
            and length.isdecimal()
            and int(length) <= self._longest
            and not any(map(get, _EXTRAORDINARY))
            and "HTTP_IDEMPOTENCY_KEY" not in environ  # an empty one is an error
            and self._hardening.serves(environ)
            and self._may_predict(get("HTTP_AUTHORIZATION", ""))
        )

    def _may_predict(self, authorization: str) -> bool:
        if not authorization.startswith(_BEARER):
            return False
        try:
            return "predict" in self._wiring.callers.identify(authorization[len(_BEARER) :]).scopes
        except (WrongToken, InvalidToken, TokensAway):
            return False

    def _answered(self, environ: "WSGIEnvironment") -> tuple[list[tuple[str, str]], bytes] | None:
        """The headers and the body of the answer; None where the application has to say what is wrong."""
        started = time.perf_counter()
        wiring = self._wiring
        wiring.ensure_started()
        request_id = request_id_of(environ.get("HTTP_X_REQUEST_ID", ""))
        clear_contextvars()
        bind_contextvars(request_id=request_id)
        asked = self._question(_body(environ))
        if asked is None:
            return None
        try:
            answer = wiring.predictions.answer(asked, request_id)
        except Exception as error:  # noqa: BLE001 - whatever it is, the application raises it again
            environ[FAILED] = error
            return None
        body = orjson.dumps(answer.as_dict())
        note(wiring.metrics, "POST", environ["PATH_INFO"], 200, time.perf_counter() - started)
        own = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), (HEADER, request_id)]
        return own + self._hardening.headers(environ), body

    def _question(self, raw: bytes) -> Question | None:
        body = _parsed(raw)
        if body is None:
            return None
        try:
            return question(body, self._wiring.live.current())
        except (Unfit, NotReady):
            return None


def _body(environ: "WSGIEnvironment") -> bytes:
    """The body, which the application finds there again."""
    try:
        raw: bytes = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    except (OSError, ParseException):
        raw = b""  # the application sees the same: a body that broke off
    environ["wsgi.input"] = BytesIO(raw)
    return raw


def _parsed(raw: bytes) -> dict[str, Any] | None:
    """A flat JSON object without a doubt; None for whatever the strict reader should look at.

    Each key is followed by one colon. As many colons as keys therefore mean that no key came twice, which orjson does
    not tell; more colons may also stand in texts.
    """
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) and raw.count(b":") == len(body) and "token" not in body else None
