"""Signing in and out, and the way to the first page."""

from apiflask import APIBlueprint
from flask import Response, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_limiter import RateLimitExceeded

from endpoints import session_cookie
from endpoints.edge import wiring
from endpoints.familiar import become_familiar
from endpoints.sign_in_limits import forgive
from services.sign_in import spell_name

accounts = APIBlueprint("accounts", __name__, enable_openapi=False)
WRONG = "User name or password is not right."
TOO_MANY = "Too many tries. Wait 15 minutes, or sign in from a browser that you used before."
WAIT_SECONDS = "900"


@accounts.get("/")
def home() -> ResponseReturnValue:
    """The first page."""
    return redirect(url_for("model_ui.page" if session_cookie.visitor() else "accounts.login"))


@accounts.get("/login")
def login() -> ResponseReturnValue:
    """The sign-in page; whoever is signed in goes on to where they wanted."""
    if session_cookie.visitor():
        return redirect(_goal())
    return _page()


@accounts.post("/login")
def sign_in() -> ResponseReturnValue:
    """Begins a session under a new token; the token that came with the request, if any, is ended."""
    username, password = request.form.get("username", ""), request.form.get("password", "")
    service, address = wiring().accounts.sessions, request.remote_addr or "unknown"
    token = session_cookie.from_store(lambda: service.sign_in(username, password, address))
    if token is None:
        return _page(WRONG, 401)
    forgive()
    _end_session()
    response = Response(status=303, headers={"Location": _goal()})
    session_cookie.give(response, token)
    become_familiar(response, spell_name(username))
    return response


@accounts.post("/logout")
def logout() -> ResponseReturnValue:
    """Ends the session on the server and takes the cookie away."""
    _end_session()
    response = Response(status=303, headers={"Location": url_for("accounts.login")})
    session_cookie.take(response)
    return response


@accounts.errorhandler(RateLimitExceeded)
def too_many(_error: RateLimitExceeded) -> ResponseReturnValue:
    return _page(TOO_MANY, 429, {"Retry-After": WAIT_SECONDS})


@accounts.after_request
def keep_out_of_caches(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
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
    return session_cookie.local_path(request.args.get("next", "")) or url_for("accounts.home")


def _page(problem: str = "", status: int = 200, headers: dict[str, str] | None = None) -> ResponseReturnValue:
    next_path = session_cookie.local_path(request.args.get("next", ""))
    username = request.form.get("username", "")[:100]
    page = render_template("login.html", problem=problem, username=username, next_path=next_path)
    return Response(page, status, headers, mimetype="text/html")
