"""Signing in and out, and the way to the first page."""

from apiflask import APIBlueprint
from flask import Response, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_limiter import RateLimitExceeded

from endpoints import session_cookie
from endpoints.edge import wiring
from endpoints.familiar import become_familiar
from endpoints.half_signed_in import forget, pending, remember
from endpoints.sign_in_limits import TOO_MANY, WAIT_SECONDS, forgive
from services.second_factor import PATIENCE, WRONG
from services.sign_in import CodeNeeded, spell_name

accounts = APIBlueprint("accounts", __name__, enable_openapi=False)
WRONG_CODE = f"{WRONG} After ten minutes the password is asked for again."
WRONG_NAME = "User name or password is not right."


@accounts.get("/login")
def login() -> ResponseReturnValue:
    """The sign-in page; whoever is signed in goes on to where they wanted."""
    if session_cookie.visitor():
        return redirect(_goal())
    return _page()


@accounts.post("/login")
def sign_in() -> ResponseReturnValue:
    """Begins a session under a new token, or asks for a code where the account has a second factor."""
    username, password = request.form.get("username", ""), request.form.get("password", "")
    service, address = wiring().accounts.sessions, request.remote_addr or "unknown"
    found = session_cookie.from_store(lambda: service.sign_in(username, password, address))
    if found is None:
        return _page(WRONG_NAME, 401)
    forgive()
    if isinstance(found, CodeNeeded):
        remember(found)
        return redirect(url_for("accounts.code", next=_next()), 303)
    return _begun(found, spell_name(username))


@accounts.get("/login/code")
def code() -> ResponseReturnValue:
    """The page that asks for the code; without a password given before, the one that asks for that."""
    return _code_page() if pending() else redirect(url_for("accounts.login", next=_next()), 303)


@accounts.post("/login/code")
def finish() -> ResponseReturnValue:
    """Begins a session for the code of the app, or a recovery code."""
    needed, address = pending(), request.remote_addr or "unknown"
    if needed is None or wiring().clock.now() - needed.since >= PATIENCE:
        forget()
        return redirect(url_for("accounts.login", next=_next()), 303)
    given, service = request.form.get("code", "")[:100], wiring().second_factor
    token = session_cookie.from_store(lambda: service.finish(needed, given, address))
    if token is None:
        return _code_page(WRONG_CODE, 401)
    forgive()
    return _begun(token, needed.username)


@accounts.post("/logout")
def logout() -> ResponseReturnValue:
    """Ends the session on the server and takes the cookie away."""
    _end_session()
    response = Response(status=303, headers={"Location": url_for("accounts.login")})
    session_cookie.take(response)
    return response


@accounts.errorhandler(RateLimitExceeded)
def too_many(_error: RateLimitExceeded) -> ResponseReturnValue:
    page = _code_page if request.endpoint == "accounts.finish" else _page
    return page(TOO_MANY, 429, {"Retry-After": WAIT_SECONDS})


@accounts.after_request
def keep_out_of_caches(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def _begun(token: str, username: str) -> Response:
    """The session that came with the request, if any, is ended, and the new one goes with the answer."""
    _end_session()
    response = Response(status=303, headers={"Location": _goal()})
    session_cookie.give(response, token)
    become_familiar(response, username)
    return response


def _end_session() -> None:
    """The form tokens of the old session end with it."""
    session.clear()
    held = session_cookie.token()
    if held:
        address = request.remote_addr or "unknown"
        session_cookie.from_store(lambda: wiring().accounts.sessions.sign_out(held, address))
    g.pop("visitor", None)


def _goal() -> str:
    return _next() or url_for("today_page.page")


def _next() -> str | None:
    return session_cookie.local_path(request.args.get("next", ""))


def _page(problem: str = "", status: int = 200, headers: dict[str, str] | None = None) -> ResponseReturnValue:
    username = request.form.get("username", "")[:100]
    page = render_template("login.html", problem=problem, username=username, next_path=_next())
    return Response(page, status, headers, mimetype="text/html")


def _code_page(problem: str = "", status: int = 200, headers: dict[str, str] | None = None) -> ResponseReturnValue:
    page = render_template("account/code.html", problem=problem, next_path=_next())
    return Response(page, status, headers, mimetype="text/html")
