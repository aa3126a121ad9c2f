"""The call list: whom to call today, why, and what to do; and marking who was contacted."""

from collections.abc import Iterator
from itertools import chain

from apiflask import APIBlueprint
from flask import Response, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from endpoints.call_list_csv import file_lines
from endpoints.call_list_view import CallListView, call_rows, done_row
from endpoints.client_links import client_address
from endpoints.csv_cells import MARK
from endpoints.edge import wiring
from endpoints.session_cookie import from_store, visitor
from endpoints.streams import begun
from endpoints.times import date_words, instant, time_of_day
from services import call_list, contacts

STEP = 50
MOST_SHOWN = 500
MOST_DONE = 500

call_list_page = APIBlueprint("call_list_page", __name__, enable_openapi=False)
for _words in (date_words, instant, time_of_day):
    call_list_page.add_app_template_filter(_words)


@call_list_page.get("/call-list")
def page() -> ResponseReturnValue:
    """Today's list, as far as `?show=` goes, and below it who was called already."""
    return render_template("call_list/page.html", view=from_store(_view))


@call_list_page.get("/call-list.csv")
def file() -> ResponseReturnValue:
    """What is left of today's list, all of it, as a file that is written while it is read."""
    lines = from_store(_lines)
    day = wiring().clock.now().date().isoformat()
    headers = {"Content-Disposition": f'attachment; filename="call-list-{day}.csv"'}
    return Response(lines, headers=headers, content_type="text/csv; charset=utf-8")


@call_list_page.post("/call-list/contacted")
def contacted() -> ResponseReturnValue:
    """Records that the client of the posted answer was contacted. A script gets the row in its new state."""
    person, wired = visitor(), wiring()
    actor = person.username if person else ""
    snapshot, prediction_id = wired.snapshot(), request.form.get("prediction_id", "")
    marked = from_store(
        lambda: contacts.mark(wired.engine, wired.clock, wired.registry, snapshot, actor, prediction_id)
    )
    if "HX-Request" in request.headers:
        g.partial = True
        day = from_store(lambda: call_list.today(wired.engine, wired.clock, snapshot))
        return render_template("call_list/marked.html", row=done_row(marked), day=day)
    if request.form.get("back") == "client":
        return redirect(client_address(marked.row.client_id), 303)
    return redirect(url_for("call_list_page.page", show=_shown()), 303)


@call_list_page.after_request
def keep_out_of_caches(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def _view() -> CallListView:
    wired = wiring()
    snapshot = wired.snapshot()
    day = call_list.today(wired.engine, wired.clock, snapshot)
    effect = wired.holdout_effect.current(snapshot.config)
    limit = min(_shown(), day.left)
    rows = call_rows(call_list.entries(wired.engine, wired.registry, snapshot, effect, day, limit), day.as_of)
    further = min(limit + STEP, MOST_SHOWN, day.left)
    return CallListView(
        day=day,
        rows=rows,
        done=[done_row(each) for each in call_list.called(wired.engine, day, MOST_DONE)],
        left_out=call_list.left_out(wired.engine, snapshot, day),
        effect=effect,
        shown=_shown(),
        more=further if len(rows) == limit < further else 0,
        most=MOST_SHOWN,
    )


def _lines() -> Iterator[str]:
    wired = wiring()
    snapshot = wired.snapshot()
    day = call_list.today(wired.engine, wired.clock, snapshot)
    effect = wired.holdout_effect.current(snapshot.config)
    entries = call_list.entries(wired.engine, wired.registry, snapshot, effect, day, day.left)
    return chain([MARK], file_lines(begun(entries)))


def _shown() -> int:
    """How many rows the page shows: asked for by the address or by the form on it."""
    text = request.values.get("show", "")
    return min(max(int(text), 1), MOST_SHOWN) if text.isascii() and text.isdigit() and len(text) < 5 else STEP
