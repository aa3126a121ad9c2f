"""Who is signed in, by the session cookie; the pages that need it ask here."""

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

from flask import Response, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from data.dropped import despite_drops
from endpoints.edge import wiring
from endpoints.gate import Gate
from endpoints.problems import Problem
from services.sign_in import ABSOLUTE, SignedIn

T = TypeVar("T")
COOKIE = "holdfast"
AWAY = "the pages need the database, which does not answer at the moment; the API goes on answering"
GATE = Gate(AWAY, inside=3, seconds=0.5)  # of 8 threads: people who click on while it hangs must not stop /predict


def token() -> str | None:
    """The session token of this request, if it has one."""
    return request.cookies.get(_name())


def give(response: Response, session_token: str) -> None:
    response.set_cookie(
        _name(),
        session_token,
        max_age=int(ABSOLUTE.total_seconds()),
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )


def take(response: Response) -> None:
    response.delete_cookie(_name(), secure=request.is_secure, httponly=True, samesite="Lax")


def visitor() -> SignedIn | None:
    """Who asks, or None. Raises Problem 503 while the database does not answer."""
    if "visitor" not in g:
        g.visitor = _look_up()
    found: SignedIn | None = g.visitor
    return found


def require_visitor() -> ResponseReturnValue | None:
    """For `before_request`: lets signed-in people pass and sends everybody else to the sign-in page."""
    if visitor():
        return None
    address = url_for("accounts.login", next=_page())
    if "HX-Request" in request.headers:
        return Response(status=401, headers={"HX-Redirect": address})
    return redirect(address, 303)


def local_path(target: str) -> str | None:
    """`target` when it is a path of this site, written so that no browser reads a host into it."""
    parts = urlsplit(target)
    plain = target.startswith("/") and not target.startswith("//") and target.isprintable() and "\\" not in target
    return target if plain and not parts.scheme and not parts.netloc else None


def _look_up() -> SignedIn | None:
    held = token()
    if not held:
        return None
    with GATE.passed():
        return from_store(lambda: despite_drops(lambda: wiring().accounts.sessions.who(held)))


def from_store(read: Callable[[], T]) -> T:
    """What `read` gives. Raises Problem 503 while the database does not answer."""
    try:
        return read()
    except SQLAlchemyError as error:
        raise Problem(503, AWAY, headers={"Retry-After": "5"}) from error


def _name() -> str:
    """Browsers take a `__Host-` cookie over TLS only, and from no other host of the domain."""
    return f"__Host-{COOKIE}" if request.is_secure else COOKIE


def _page() -> str:
    """The page to come back to: of a form that was posted, the page that it stands on."""
    if request.method in ("GET", "HEAD"):
        return request.full_path.rstrip("?")
    origin = urlsplit(request.referrer or "")
    return origin._replace(scheme="", netloc="").geturl() if origin.netloc == request.host else "/"
