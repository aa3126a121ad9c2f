"""Gathers from the services what the pages of the experiments show."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from endpoints.edge import wiring
from endpoints.entered import Entered
from endpoints.experiments_view import ListView, MonthsView, RunningCard, list_view, months_view, running_card
from endpoints.ladder_view import ADVANCE, RETREAT, rungs
from endpoints.problems import Problem
from endpoints.readout_view import ReadoutView, readout_view
from endpoints.session_cookie import from_store
from endpoints.start_form import start_form
from services.experiments import ExperimentService, runs
from services.readout.kept import Kept, Shown, Subject
from services.readout.reading import Readout, ReadoutBusy, UnknownExperiment
from services.runs import Run

T = TypeVar("T")
NOTHING = Entered()


class Look(Protocol):
    """What there is of a subject."""

    def __call__(self, subject: Subject[Shown], /) -> Kept[Shown] | None: ...


def service() -> ExperimentService:
    """Changes what runs."""
    wired = wiring()
    return ExperimentService(wired.engine, wired.registry, wired.clock)


def the_list(given: Entered = NOTHING, *, whole: bool = False) -> ListView:
    """The list, with what was entered into one of its forms. `whole`: also what has to be counted for it."""
    return _in_turn(lambda: _list(given, whole))


def running_cards() -> list[RunningCard]:
    """What runs, with the verdicts that are kept."""
    return _in_turn(lambda: _running(runs(wiring().engine), _not_old))


def saved_months() -> MonthsView:
    """The months of the permanent holdout, from not long ago."""
    readings, config = wiring().readings, wiring().snapshot().config
    return months_view(_in_turn(lambda: readings.recent(readings.savings(config))))


def one(name: str, given: Entered = NOTHING) -> ReadoutView:
    """One experiment, counted now, with what was entered into one of its forms. Raises Problem 404 for an unknown
    name."""
    return _view(name, _asked(name, wiring().readings.counted), given)


def one_at_once(name: str, given: Entered = NOTHING) -> ReadoutView | None:
    """The same as it is kept; None where it has to be counted first."""
    kept = _asked(name, wiring().readings.at_once)
    return _view(name, kept, given) if kept else None


def recent_readout(name: str) -> Readout:
    """From not long ago. Raises Problem 404 for an unknown name."""
    return _asked(name, wiring().readings.recent).found


def _view(name: str, kept: Kept[Readout], given: Entered) -> ReadoutView:
    return readout_view(kept, wiring().clock.now(), from_store(lambda: _run_of(name)), given)


def _asked(name: str, look: Callable[[Subject[Readout]], T]) -> T:
    wired = wiring()
    config = wired.snapshot().config
    try:
        return _in_turn(lambda: look(wired.readings.readout(config, name)))
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
    look: Look = wired.readings.recent if whole else _not_old
    return list_view(
        snapshot=snapshot,
        running=_running(found, look),
        past=[run for run in found if not run.running],
        savings=look(wired.readings.savings(snapshot.config)),
        start=start_form(snapshot.config, available, NOTHING if climbing else given),
        rungs=ladder,
        stray=given.complaint if climbing and not any(rung.shows(given) for rung in ladder) else "",
    )


def _running(found: Sequence[Run], look: Look) -> list[RunningCard]:
    wired = wiring()
    config = wired.snapshot().config
    return [running_card(run, look(wired.readings.readout(config, run.name))) for run in found if run.running]


def _not_old(subject: Subject[Shown]) -> Kept[Shown] | None:
    """What is kept, unless it had better be counted again."""
    kept = wiring().readings.kept(subject)
    return kept if kept and not kept.is_old(wiring().clock.now()) else None


def _run_of(name: str) -> Run | None:
    """None for what only the ledger knows, such as a month of the permanent holdout."""
    return next((run for run in runs(wiring().engine) if run.name == name), None)
