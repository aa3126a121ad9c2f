"""The team: who may open the pages, and who did what. For administrators."""

from collections.abc import Callable, Iterator
from itertools import chain

from apiflask import APIBlueprint
from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Engine

from data.audit_log import Wanted
from endpoints.csv_cells import MARK, csv_lines
from endpoints.edge import wiring
from endpoints.entered import Entered, entered
from endpoints.problems import field_problem
from endpoints.session_cookie import from_store, visitor
from endpoints.streams import begun
from endpoints.team_view import NOTHING, AuditView, ShownOnce, TeamView, audit_view, details_text, members
from helpers.errors import UserError
from services import audit
from services.accounts import ROLES, AccountService

PAGE_SIZE = 100
COLUMNS = ("at", "actor", "action", "subject", "details")

team_page = APIBlueprint("team_page", __name__, enable_openapi=False, url_prefix="/team")


@team_page.get("")
def page() -> ResponseReturnValue:
    return _page()


@team_page.post("")
def add() -> ResponseReturnValue:
    """Adds a user, and shows the password that was made, this once."""
    given = entered(request.form, ["username", "role"])
    if given.refused:
        return _page(given=given, status=422)
    name, role = given.text("username"), given.text("role")
    try:
        once = ShownOnce(*from_store(lambda: wiring().accounts.add(name, role, None, _actor())))
    except UserError as error:
        return _page(given=given.refused_by(error), status=422)
    return _page(once)


@team_page.post("/users/<name>")
def change(name: str) -> ResponseReturnValue:
    """Changes what `do` says of the user. A password that is made is shown this once."""
    act = ACTS.get(request.form.get("do", ""))
    if act is None:
        raise field_problem("do", f"choose one of {', '.join(ACTS)}")
    try:
        made = from_store(lambda: act(wiring().accounts, name))
    except UserError as error:
        given = Entered(problem=str(error))
        return _page(about=name, given=given, status=422)
    if made:
        return _page(ShownOnce(name, made))
    flash(f"Done: {name} is changed, and signed out everywhere.")
    return redirect(url_for(".page"), 303)


@team_page.get("/audit")
def log() -> ResponseReturnValue:
    """Who did what, the newest first: of `?actor=`, `?action=` and `?subject=`, below the id `?before=`."""
    return render_template("team/audit.html", view=from_store(_audit))


@team_page.get("/audit.csv")
def file() -> ResponseReturnValue:
    """All such entries, as a file that is written while it is read."""
    lines = from_store(lambda: chain([MARK], begun(csv_lines(COLUMNS, _lines(wiring().engine, _wanted())))))
    headers = {"Content-Disposition": 'attachment; filename="audit-log.csv"'}
    return Response(lines, headers=headers, content_type="text/csv; charset=utf-8")


@team_page.after_request
def keep_out_of_caches(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def _set_role(accounts: AccountService, name: str) -> None:
    accounts.set_role(name, request.form.get("role", ""), _actor())


ACTS: dict[str, Callable[[AccountService, str], str | None]] = {
    "role": _set_role,
    "disable": lambda accounts, name: accounts.disable(name, _actor()),
    "enable": lambda accounts, name: accounts.enable(name, _actor()),
    "password": lambda accounts, name: accounts.set_password(name, None, _actor()),
    "second_factor": lambda accounts, name: accounts.reset_second_factor(name, _actor()),
}


def _page(once: ShownOnce | None = None, about: str = "", given: Entered = NOTHING, status: int = 200) -> Response:
    view = from_store(lambda: _team(once, about, given))
    return Response(render_template("team/page.html", view=view), status)


def _team(once: ShownOnce | None, about: str, given: Entered) -> TeamView:
    wired, person = wiring(), visitor()
    found = members(
        wired.accounts.everyone(), wired.accounts.last_seen(), wired.clock.now(), person.user_id if person else 0
    )
    return TeamView(found, ROLES, once, about, given)


def _audit() -> AuditView:
    wired, wanted, before = wiring(), _wanted(), request.args.get("before", "")
    below = int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None
    entries = audit.newest(wired.engine, wanted, below, PAGE_SIZE + 1)
    actions = audit.actions_done(wired.engine)
    return audit_view(entries, wanted, actions, wired.clock.now(), PAGE_SIZE, below is not None)


def _lines(engine: Engine, wanted: Wanted) -> Iterator[tuple[str, ...]]:
    for each in audit.every(engine, wanted):
        yield each.at.isoformat(), each.actor, each.action, each.subject, details_text(each.details)


def _wanted() -> Wanted:
    return Wanted(*(request.args.get(name, "").strip() for name in Wanted.__slots__))


def _actor() -> str:
    person = visitor()
    return person.username if person else ""
