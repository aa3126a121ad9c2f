"""Gathers from the services what the pages of the experiments show."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Engine

from endpoints.edge import wiring
from endpoints.entered import Entered
from endpoints.experiments_view import ListView, MonthsView, list_view, months_view
from endpoints.ladder_view import ADVANCE, RETREAT, rungs
from endpoints.problems import Problem
from endpoints.readout_view import ReadoutView, readout_view
from endpoints.session_cookie import from_store
from endpoints.start_form import start_form
from helpers.clock import Clock
from services.config.model import LiveConfig
from services.experiments import ExperimentService, runs
from services.readout import reading as readouts
from services.readout.reading import Readout, ReadoutBusy, UnknownExperiment
from services.runs import Run

T = TypeVar("T")
NOTHING = Entered()


def service() -> ExperimentService:
    """Changes what runs."""
    wired = wiring()
    return ExperimentService(wired.engine, wired.registry, wired.clock)


def the_list(given: Entered = NOTHING, *, whole: bool = False) -> ListView:
    """The list, with what was entered into one of its forms. `whole`: also what takes a while to read."""
    return _in_turn(lambda: _list(given, whole))


def saved_months() -> MonthsView:
    """The months of the permanent holdout."""
    wired = wiring()
    config = wired.snapshot().config
    return months_view(_in_turn(lambda: readouts.months(wired.engine, wired.clock, config)))


def one(name: str, given: Entered = NOTHING) -> ReadoutView:
    """One experiment, with what was entered into one of its forms. Raises Problem 404 for an unknown name."""
    found = readout_of(name)
    return readout_view(found, from_store(lambda: _run_of(name)), given)


def readout_of(name: str) -> Readout:
    """Raises Problem 404 for an unknown name."""
    return _read(readouts.read, name)


def verdict_on(name: str) -> Readout:
    """The readout as far as its verdict needs it. Raises Problem 404 for an unknown name."""
    return _read(readouts.glance, name)


def _read(look: Callable[[Engine, Clock, LiveConfig, str], Readout], name: str) -> Readout:
    wired = wiring()
    config = wired.snapshot().config
    try:
        return _in_turn(lambda: look(wired.engine, wired.clock, config, name))
    except UnknownExperiment as error:
        raise Problem(404, "there is no experiment of that name; the list has those that there are") from error


def _in_turn(read: Callable[[], T]) -> T:
    """What `read` gives. Raises Problem 503 while the database does not answer, or is asked for other readouts."""
    try:
        return from_store(read)
    except ReadoutBusy as error:
        raise Problem(503, str(error), headers={"Retry-After": "5"}) from error


def _list(given: Entered, whole: bool) -> ListView:
    wired = wiring()
    snapshot, available, found = wired.snapshot(), wired.registry.available(), runs(wired.engine)
    climbing = given.text("do") in {ADVANCE, RETREAT}
    ladder = rungs(snapshot.config, available, {run.name for run in found}, given if climbing else NOTHING)
    return list_view(
        snapshot=snapshot,
        running=[(run, verdict_on(run.name) if whole else None) for run in found if run.running],
        past=[run for run in found if not run.running],
        savings=readouts.months(wired.engine, wired.clock, snapshot.config) if whole else None,
        start=start_form(snapshot.config, available, NOTHING if climbing else given),
        rungs=ladder,
        stray=given.complaint if climbing and not any(rung.shows(given) for rung in ladder) else "",
    )


def _run_of(name: str) -> Run | None:
    """None for what only the ledger knows, such as a month of the permanent holdout."""
    return next((run for run in runs(wiring().engine) if run.name == name), None)
