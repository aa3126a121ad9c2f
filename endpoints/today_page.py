"""The first page of the morning: what needs a person today."""

from collections.abc import Sequence

from apiflask import APIBlueprint
from flask import Response, render_template
from flask.typing import ResponseReturnValue

from endpoints.call_list_view import CallRow, call_rows
from endpoints.edge import wiring
from endpoints.experiments_reading import the_list
from endpoints.models_reading import models
from endpoints.session_cookie import from_store
from endpoints.today_view import Calls, TodayView, fresh_models, steps_of
from services import call_list
from services.call_list import Day

SHOWN_CALLS = 5

today_page = APIBlueprint("today_page", __name__, enable_openapi=False)


@today_page.get("/")
def page() -> ResponseReturnValue:
    """Calls, experiments, changes and models that wait for somebody, and whatever is wrong."""
    return render_template("today/page.html", view=from_store(_view))


@today_page.after_request
def keep_out_of_caches(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def _view() -> TodayView:
    wired = wiring()
    now, live = wired.clock.now(), wired.live
    return TodayView(
        now=now,
        alerts=wired.monitor.live("hour").alerts,
        calls=_calls() if live.ready else None,
        running=the_list().running if live.ready else (),
        changes=steps_of(wired.config_changes.listing(SHOWN_CALLS * 4), now),
        models=fresh_models(models().newest().models, live.config, now) if live.ready else (),
    )


def _calls() -> Calls:
    wired = wiring()
    day = call_list.today(wired.engine, wired.clock, wired.snapshot())
    return Calls(day, _first(day))


def _first(day: Day) -> Sequence[CallRow]:
    wired = wiring()
    snapshot = wired.snapshot()
    effect = wired.holdout_effect.current(snapshot.config)
    limit = min(SHOWN_CALLS, day.left)
    return call_rows(call_list.entries(wired.engine, wired.registry, snapshot, effect, day, limit), day.as_of)
