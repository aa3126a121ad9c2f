"""The access tokens of back ends, as the Team page shows them. For administrators."""

from apiflask import APIBlueprint
from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from endpoints.edge import wiring
from endpoints.entered import Entered, entered
from endpoints.session_cookie import from_store, visitor
from endpoints.tokens_view import TokensView, tokens_view
from helpers.errors import UserError
from services.access_tokens import Made

DAYS = "Must be a whole number of days, or empty."
tokens_page = APIBlueprint("tokens_page", __name__, enable_openapi=False, url_prefix="/team/tokens")


@tokens_page.app_template_global()
def tokens_section(given: Entered | None = None, made: Made | None = None) -> TokensView:
    """What `team/tokens.html` shows, on whatever page it stands."""
    wired = wiring()
    return from_store(lambda: tokens_view(wired.access_tokens.listing(), wired.clock.now(), given or Entered(), made))


@tokens_page.get("")
def page() -> ResponseReturnValue:
    return _page()


@tokens_page.post("")
def add() -> ResponseReturnValue:
    """Makes a token, and shows it this once."""
    given = entered(request.form, ["name"])
    days = given.text("days")
    if days and not (days.isascii() and days.isdigit() and len(days) < 10):
        given = given.with_errors({"days": DAYS})
    if given.refused:
        return _page(given, status=422)
    try:
        made = _make(given.text("name"), int(days) if days else None)
    except UserError as error:
        return _page(_refused(given, error), status=422)
    return _page(made=made)


@tokens_page.post("/revoke")
def revoke() -> ResponseReturnValue:
    """The token counts for nothing any more."""
    name = request.form.get("name", "")
    try:
        from_store(lambda: wiring().access_tokens.revoke(name, _actor()))
    except UserError as error:
        return _page(Entered(problem=str(error)), status=422)
    flash(f"The token {name} is revoked, in every process within seconds.")
    return redirect(url_for("team_page.page"), 303)


@tokens_page.after_request
def keep_out_of_caches(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def _make(name: str, days: int | None) -> Made:
    scopes = request.form.getlist("scopes")
    return from_store(lambda: wiring().access_tokens.add(name, scopes, days, _actor()))


def _refused(given: Entered, error: UserError) -> Entered:
    """No box may be ticked, and then the form has no field of that name."""
    return Entered({"scopes": "", "days": "", **given.texts}).refused_by(error)


def _page(given: Entered | None = None, made: Made | None = None, status: int = 200) -> Response:
    return Response(render_template("team/tokens_page.html", tokens=tokens_section(given, made)), status)


def _actor() -> str:
    person = visitor()
    return person.username if person else ""
