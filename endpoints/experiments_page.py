"""The experiments: what runs, what it showed, and what it saved."""

from apiflask import APIBlueprint
from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from endpoints.arms_csv import arms_csv
from endpoints.edge import wiring
from endpoints.entered import Entered
from endpoints.experiment_acts import perform
from endpoints.experiments_reading import NOTHING, one, one_at_once, recent_readout, saved_months, service, the_list
from endpoints.experiments_verdict import verdict_of
from endpoints.experiments_wording import amount, points
from endpoints.ladder_view import take_step
from endpoints.readout_view import ReadoutView
from endpoints.readout_words import title_of
from endpoints.session_cookie import from_store, visitor
from endpoints.start_form import begin
from endpoints.times import date_words
from endpoints.wording import NOT_TOLD
from services.config.refresh import refresh_fleet

experiments_page = APIBlueprint("experiments_page", __name__, enable_openapi=False, url_prefix="/experiments")
for _words in (amount, points, date_words):
    experiments_page.add_app_template_filter(_words)


@experiments_page.get("")
def page() -> ResponseReturnValue:
    """The list. What takes a while to read is asked for by the page itself, or comes at once with `?whole=yes`."""
    if request.args.get("part") == "months":
        return render_template("experiments/months.html", months=saved_months())
    return _list(NOTHING, whole="whole" in request.args)


@experiments_page.post("")
def change_list() -> ResponseReturnValue:
    """Starts an experiment, or leads a model up or down the promotion ladder."""
    wired, form = wiring(), request.form
    if form.get("do") == "start":
        told, given = from_store(lambda: begin(service(), form, _author()))
    else:
        told, given = from_store(lambda: take_step(service(), wired.snapshot().config, form, _author()))
    return _changed(told, url_for(".page")) if told else (_list(given), 422)


@experiments_page.get("/<path:name>")
def readout(name: str) -> ResponseReturnValue:
    """One experiment, with `?count=now` counted anew, with `?format=csv` its arms as a file, with `?part=verdict` its
    verdict alone."""
    if request.args.get("part") == "verdict":
        return render_template("experiments/verdict.html", verdict=verdict_of(recent_readout(name)))
    if request.args.get("format") == "csv":
        return _file(name)
    view = one(name) if "count" in request.args else one_at_once(name)
    return _one(view) if view else render_template("experiments/counting.html", name=name, title=title_of(name))


@experiments_page.post("/<path:name>")
def change(name: str) -> ResponseReturnValue:
    """Pauses, resumes or stops the experiment."""
    told, given = from_store(lambda: perform(service(), name, request.form, _author()))
    return (
        _changed(told, url_for(".readout", name=name))
        if told
        else (_one(one_at_once(name, given) or one(name, given)), 422)
    )


@experiments_page.after_request
def keep_out_of_caches(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def _list(given: Entered, *, whole: bool = False) -> str:
    return render_template("experiments/page.html", view=the_list(given, whole=whole))


def _one(view: ReadoutView) -> str:
    return render_template("experiments/readout.html", view=view)


def _file(name: str) -> Response:
    content = arms_csv(recent_readout(name))
    headers = {"Content-Disposition": 'attachment; filename="arms.csv"'}
    return Response(content, headers=headers, content_type="text/csv; charset=utf-8")


def _changed(told: str, goal: str) -> ResponseReturnValue:
    """This process follows at once, the fleet at its next request; the page that follows says what was done."""
    refreshed = refresh_fleet(wiring().live, wiring().announce)
    flash(told if refreshed.fleet_told else f"{told} {NOT_TOLD}")
    return redirect(goal, 303)


def _author() -> str:
    person = visitor()
    return person.username if person else ""
