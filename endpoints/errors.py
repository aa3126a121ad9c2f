"""Turns every error into a problem document, or into a page where a browser asked."""

from flask import Flask, Response, g, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as WerkzeugResponse

from data.spool import SpoolFull
from endpoints.problems import Problem, field_problem
from helpers.errors import UserError
from services.config.live import NotReady

RETRY_AFTER_SECONDS = "5"
_HINTS = {
    404: "nothing is served at this address; see /docs",
    405: "this address does not take that method; see /docs",
    413: "the body is larger than MAX_BODY_BYTES allows; send fewer rows a call",
    429: "too many tries; wait and try again",
    500: "something broke on our side; nothing was scored. Quote the request_id to the operator",
}


def register_errors(app: Flask) -> None:
    app.register_error_handler(Problem, _answer)
    app.register_error_handler(UserError, _user_error)
    app.register_error_handler(HTTPException, _http_error)


def _answer(problem: Problem) -> Response:
    if _wants_page():
        page = render_template("error.html", problem=problem, request_id=g.get("request_id"))
        return Response(page, problem.status, problem.headers, mimetype="text/html")
    return problem.response()


def _user_error(error: UserError) -> Response:
    if isinstance(error, NotReady | SpoolFull):
        return _answer(Problem(503, str(error), headers={"Retry-After": RETRY_AFTER_SECONDS}))
    return _answer(field_problem(error.field, str(error)) if error.field else Problem(422, str(error)))


def _http_error(error: HTTPException) -> WerkzeugResponse:
    status = error.code or 500
    if error.response is not None or status < 400:
        return error.get_response(request.environ)
    hint = _HINTS.get(status, error.description or "the request cannot be answered")
    kept = {"Allow", "Retry-After", "WWW-Authenticate"}
    headers = {name: value for name, value in error.get_headers() if name in kept}
    return _answer(Problem(status, hint, headers=headers))


def _wants_page() -> bool:
    accepted = request.accept_mimetypes
    return accepted["text/html"] > accepted["application/json"] and not request.is_json
