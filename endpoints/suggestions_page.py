"""The page on which the retention team writes down what to do about whom."""

from dataclasses import replace

from apiflask import APIBlueprint
from flask import Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from data.suggestion_store import Suggestion
from endpoints.edge import wiring
from endpoints.session_cookie import from_store, visitor
from endpoints.suggestions_view import Draft, draft_of, suggestions_view
from services import suggestions
from services.suggestion_rules import SuggestionRefused

suggestions_page = APIBlueprint("suggestions_page", __name__, enable_openapi=False, url_prefix="/call-list/suggestions")
NOTICES = {"saved": "The suggestion is saved.", "deleted": "The suggestion is deleted."}


@suggestions_page.get("")
def page() -> ResponseReturnValue:
    """All suggestions, and a form: for a new one, or for the one of `?edit=`."""
    table = from_store(lambda: suggestions.listed(wiring().engine))
    wanted = request.args.get("edit", "")
    edited = next((draft_of(row) for row in table if str(row.id) == wanted), Draft())
    return _page(table, edited, NOTICES.get(request.args.get("done", ""), ""))


@suggestions_page.post("")
def save() -> ResponseReturnValue:
    """Adds the suggestion in the form, changes it, or deletes it."""
    form = request.form
    number, value, kind, advice = (form.get(name, "").strip() for name in ("id", "value", "kind", "advice"))
    draft = Draft(number, form.get("feature", ""), value, kind, advice)
    deletes = form.get("do") == "delete"
    try:
        from_store(lambda: _write(draft, deletes))
    except SuggestionRefused as refused:
        table = from_store(lambda: suggestions.listed(wiring().engine))
        return _page(table, replace(draft, errors=refused.problems), "", 422)
    return redirect(url_for("suggestions_page.page", done="deleted" if deletes else "saved"), 303)


@suggestions_page.after_request
def keep_out_of_caches(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def _write(draft: Draft, deletes: bool) -> None:
    wired, person = wiring(), visitor()
    author = person.username if person else ""
    suggestion_id = int(draft.id) if draft.id.isascii() and draft.id.isdigit() and len(draft.id) < 19 else None
    if deletes:
        suggestions.delete(wired.engine, wired.clock, author, suggestion_id or 0)
        return
    row = Suggestion(suggestion_id, draft.feature or None, draft.value or None, draft.kind, draft.advice)
    suggestions.save(wired.engine, wired.clock, wired.snapshot().serving.schema, author, row)


def _page(table: list[Suggestion], draft: Draft, notice: str, status: int = 200) -> ResponseReturnValue:
    schema = wiring().snapshot().serving.schema
    view = suggestions_view(table, schema, draft, notice)
    return Response(render_template("call_list/suggestions.html", view=view), status)
