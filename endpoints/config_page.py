"""The configuration for people: what is in force, and the way of a change from its form to its watch."""

from collections.abc import Callable

from apiflask import APIBlueprint
from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from data.config_change_store import Change
from endpoints.config_change_view import change_view
from endpoints.config_fields import changed_values
from endpoints.config_form import Filled, posted
from endpoints.config_history_view import history_view
from endpoints.config_reading import config_view, form_of, lifecycle, rules, texts_in_force
from endpoints.edge import wiring
from endpoints.entered import Entered, entered
from endpoints.experiments_wording import plural
from endpoints.problems import Problem
from endpoints.session_cookie import from_store, visitor
from endpoints.times import ago
from endpoints.wording import NOT_TOLD
from helpers.errors import UserError
from services.config.lifecycle import RehearsalFailed, UnknownChange
from services.config.refresh import refresh_fleet
from services.sign_in import SignedIn

STEP = 25
MOST = 1_000
FOLLOW = "Every process follows with its next request."

config_page = APIBlueprint("config_page", __name__, enable_openapi=False, url_prefix="/config")
config_page.add_app_template_filter(ago)
config_page.add_app_template_filter(plural)


@config_page.get("")
def page() -> ResponseReturnValue:
    """What is in force, and the form that changes it."""
    return _page(None, None)


@config_page.post("")
def check() -> ResponseReturnValue:
    """Checks what was entered as a whole, and keeps it as a draft."""
    return _checked(lambda form: lifecycle().draft(changed_values(form.fields), _name(), form.text("reason")), None)


@config_page.get("/changes/<int(max=999999999999):change_id>")
def change(change_id: int) -> ResponseReturnValue:
    return _change(_found(change_id), "")


@config_page.post("/changes/<int(max=999999999999):change_id>")
def advance(change_id: int) -> ResponseReturnValue:
    """Takes the next step, or abandons the change."""
    found, do = _found(change_id), request.form.get("do", "")
    try:
        told = from_store(lambda: _perform(change_id, do))
    except UserError as error:
        return _change(from_store(lambda: lifecycle().get(found.id)), str(error)), 422
    if told:
        flash(told)
    return redirect(url_for(".change", change_id=change_id), 303)


@config_page.get("/changes/<int(max=999999999999):change_id>/edit")
def edit(change_id: int) -> ResponseReturnValue:
    """The form with the values of an open change."""
    return _page(None, _still_open(change_id))


@config_page.post("/changes/<int(max=999999999999):change_id>/edit")
def recheck(change_id: int) -> ResponseReturnValue:
    """Other values for the change, which is a draft again."""
    found = _still_open(change_id)
    return _checked(
        lambda form: lifecycle().edit(change_id, changed_values(form.fields), form.text("reason"), _name()), found
    )


@config_page.get("/history")
def history() -> ResponseReturnValue:
    """Every revision, as far as `?show=` goes."""
    return _history(None, Entered())


@config_page.post("/history/<int(max=999999999999):revision>")
def revert(revision: int) -> ResponseReturnValue:
    """Brings back all values as they were at that revision, on the way of any other change."""
    given = entered(request.form, ["reason"])
    if given.refused:
        return _history(revision, given), 422
    try:
        made = from_store(lambda: lifecycle().revert(revision, _name(), given.text("reason")))
    except RehearsalFailed as failed:
        made = failed.change
    except UserError as error:
        return _history(revision, given.refused_by(error)), 422
    if not made.open:
        flash(_in_force(made.revision or 0))
    return redirect(url_for(".change", change_id=made.id), 303)


@config_page.after_request
def keep_out_of_caches(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def _checked(keep: Callable[[Filled], Change], edited: Change | None) -> ResponseReturnValue:
    given = posted(request.form)
    if given.wrong:
        return _page(given, edited), 422
    try:
        kept = from_store(lambda: keep(given))
    except UserError as error:
        return _page(given.refused_by(error), edited), 422
    return redirect(url_for(".change", change_id=kept.id), 303)


def _perform(change_id: int, do: str) -> str:
    """What to tell of it; nothing where the page says it all."""
    name, seen = _name(), request.form.get("seen", "")
    if do == "promote":
        return _in_force(lifecycle().promote(change_id, name, seen))
    if do == "rehearse":
        lifecycle().rehearse(change_id, name)
        return ""
    if do == "approve":
        lifecycle().approve(change_id, name, seen)
        return "You approved the change. It takes effect when somebody promotes it."
    if do == "abandon":
        lifecycle().abandon(change_id, name)
        return "The change is abandoned. Nothing of it took effect."
    raise UserError("choose to rehearse, to approve, to promote or to abandon the change", "do")


def _in_force(revision: int) -> str:
    """This process follows at once."""
    told = refresh_fleet(wiring().live, wiring().announce).fleet_told
    return f"Revision {revision} is in force. {FOLLOW if told else NOT_TOLD}"


def _page(given: Filled | None, edited: Change | None) -> str:
    form = given or form_of(edited)
    return render_template("config/page.html", view=from_store(lambda: config_view(form, edited)))


def _change(found: Change, problem: str) -> str:
    wired = wiring()
    view = from_store(
        lambda: change_view(
            found,
            rules(),
            texts_in_force(),
            wired.score_spread.current(),
            _person(),
            wired.clock.now(),
            problem,
        )
    )
    return render_template("config/change.html", view=view)


def _history(asked: int | None, given: Entered) -> str:
    limit, now = _shown(), wiring().clock.now()
    found = from_store(lambda: lifecycle().history(limit))
    return render_template("config/history.html", view=history_view(found, limit, STEP, now, asked, given))


def _found(change_id: int) -> Change:
    """Raises Problem 404."""
    try:
        return from_store(lambda: lifecycle().get(change_id))
    except UnknownChange:
        raise Problem(404, f"there is no change {change_id} of the configuration") from None


def _still_open(change_id: int) -> Change:
    """Raises Problem 404, or 409 for a change that has come to its end."""
    found = _found(change_id)
    if not found.open:
        raise Problem(409, f"change {change_id} is {found.state} and can no longer be edited: begin another")
    return found


def _shown() -> int:
    text = request.values.get("show", "")
    return min(max(int(text), 1), MOST) if text.isascii() and text.isdigit() and len(text) < 5 else STEP


def _person() -> SignedIn:
    """The role check let them in."""
    person = visitor()
    if person is None:
        raise Problem(401, "sign in first")
    return person


def _name() -> str:
    return _person().username
