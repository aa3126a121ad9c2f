"""A person's own account: password, second factor, and the browsers in which they are signed in."""

from collections.abc import Sequence

from apiflask import APIBlueprint
from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_limiter import RateLimitExceeded

from endpoints import own_set_up, session_cookie
from endpoints.account_view import NOTHING, AccountView, secret_view, session_row
from endpoints.edge import wiring
from endpoints.entered import Entered, entered
from endpoints.problems import Problem, field_problem
from endpoints.session_cookie import from_store, visitor
from endpoints.sign_in_limits import TOO_MANY, WAIT_SECONDS, forgive
from helpers.errors import UserError
from services.sign_in import SignedIn

PASSWORD, SECOND_FACTOR = "password", "second_factor"
REQUIRED = {"start": ["current"], "off": ["current", "code"], "confirm": ["code"], "cancel": []}

account_page = APIBlueprint("account_page", __name__, enable_openapi=False, url_prefix="/account")


@account_page.get("")
def page() -> ResponseReturnValue:
    return _page()


@account_page.post("/password")
def password() -> ResponseReturnValue:
    """Changes the password. That ends every session, this one too: the new password is asked for at once."""
    given, person = entered(request.form, ["current", "password"]), _person()
    if given.refused:
        return _page(PASSWORD, given, status=422)
    current, chosen = request.form["current"], request.form["password"]
    try:
        from_store(lambda: wiring().accounts.change_password(person.username, current, chosen, _address()))
    except UserError as error:
        return _page(PASSWORD, given.refused_by(error), status=422)
    forgive()
    flash("Your password is changed, and you are signed out everywhere. Sign in with the new one.")
    response = Response(status=303, headers={"Location": url_for("accounts.login")})
    session_cookie.take(response)
    return response


@account_page.post("/second-factor")
def second_factor() -> ResponseReturnValue:
    """Starts, confirms, cancels or turns off. Starting asks for the password, turning off for a code as well."""
    do, person = request.form.get("do", ""), _person()
    if do not in REQUIRED:
        raise field_problem("do", f"choose one of {', '.join(REQUIRED)}")
    given = entered(request.form, REQUIRED[do])
    if given.refused:
        return _page(SECOND_FACTOR, given, status=422)
    try:
        codes = from_store(lambda: _turn(do, person))
    except UserError as error:
        return _page(SECOND_FACTOR, given.refused_by(error), status=422)
    if REQUIRED[do]:  # what asks for nothing proves nothing: it must not clear the way for more guesses
        forgive()
    return _page(codes=codes) if codes else redirect(url_for(".page") + "#second-factor", 303)


@account_page.post("/sessions")
def end_sessions() -> ResponseReturnValue:
    """Ends the sessions in all other browsers."""
    held, person = session_cookie.token() or "", _person()
    ended = from_store(lambda: wiring().accounts.sessions.end_others(person.user_id, held, _address()))
    flash(f"Signed out in {ended} other browser{'' if ended == 1 else 's'}.")
    return redirect(url_for(".page"), 303)


@account_page.errorhandler(RateLimitExceeded)
def too_many(_error: RateLimitExceeded) -> ResponseReturnValue:
    form = (request.endpoint or "").rpartition(".")[2]
    response = _page(form, Entered(problem=TOO_MANY), status=429)
    response.headers["Retry-After"] = WAIT_SECONDS
    return response


@account_page.after_request
def keep_out_of_caches(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def _turn(do: str, person: SignedIn) -> list[str]:
    """Gives the recovery codes where something was confirmed."""
    service = wiring().second_factor
    if do == "confirm":
        return service.confirm(person.user_id, request.form["code"][:100], _address())
    if do == "cancel":
        service.cancel(person.user_id)
        return []
    wiring().accounts.confirm_person(person.username, request.form.get("current", ""), _address())
    if do == "off":
        service.turn_off(person.user_id, request.form["code"][:100], _address())
    else:
        own_set_up.remember(service.start(person.user_id))
    return []


def _page(form: str = "", given: Entered = NOTHING, codes: Sequence[str] = (), status: int = 200) -> Response:
    view = from_store(lambda: _view(form, given, codes))
    return Response(render_template("account/page.html", view=view), status)


def _view(form: str, given: Entered, codes: Sequence[str]) -> AccountView:
    wired, person = wiring(), _person()
    user, now = wired.accounts.one(person.username), wired.clock.now()
    secret = wired.second_factor.unconfirmed(user) if own_set_up.is_here(user) else None
    found = wired.accounts.sessions.sessions_of(user.id, session_cookie.token() or "")
    rows = [session_row(each, now) for each in found]
    return AccountView(user, rows, secret_view(*secret) if secret else None, codes, form, given)


def _person() -> SignedIn:
    """Who asks; the pages of an account are opened by nobody else."""
    person = visitor()
    if person is None:
        raise Problem(401, "sign in first")
    return person


def _address() -> str:
    return request.remote_addr or "unknown"
