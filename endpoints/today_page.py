"""The first page of the morning: what needs a person today."""

from apiflask import APIBlueprint
from flask import Response, render_template
from flask.typing import ResponseReturnValue

from endpoints.call_list_view import call_rows
from endpoints.edge import wiring
from endpoints.experiments_reading import running_cards
from endpoints.models_reading import models
from endpoints.session_cookie import from_store
from endpoints.today_view import Calls, TodayView, fresh_models, steps_of
from services import call_list

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
        alerts=wired.monitor.alerts(),
        calls=_calls() if live.ready else None,
        running=running_cards() if live.ready else (),
        changes=steps_of(wired.config_changes.listing(SHOWN_CALLS * 4), now),
        models=fresh_models(models().newest().models, live.config, now) if live.ready else (),
    )


def _calls() -> Calls:
    """The day's calls, and the first clients to call, by one configuration."""
    wired = wiring()
    snapshot = wired.snapshot()
    day = call_list.today(wired.engine, wired.clock, snapshot)
    effect = wired.holdout_effect.current(snapshot.config)
    limit = min(SHOWN_CALLS, day.left)
    found = call_list.entries(wired.engine, wired.registry, snapshot, effect, day, limit)
    return Calls(day, call_rows(found, day.as_of))
