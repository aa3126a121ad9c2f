"""The life of experiments: started, paused, resumed, stopped, and led up the ladder; each act is one config change."""

from contextlib import AbstractContextManager
from dataclasses import replace

from sqlalchemy import Connection, Engine

from data import config_store, verdict_store
from data.verdict_store import Verdict
from experiments.plan import CHAMPION
from helpers.clock import Clock
from helpers.errors import UserError
from modeling.registry import ModelRegistry
from services import audit, ladder
from services.config.changes import Turn, turn
from services.config.promoting import refuse_alone
from services.experiment_values import Start, place, started, stopped
from services.ladder import Step
from services.prose import check_length
from services.runs import KEYS_OF_RUNS, Run, runs_of

ALL_OF_THEM = 1_000_000


def runs(engine: Engine) -> list[Run]:
    """Every experiment that ever ran, the newest first, with what was concluded of it."""
    with engine.connect() as connection:
        return _runs(connection)


class ExperimentService:
    """Changes what runs. Each act gives the revision of its config change; the caller tells the fleet.

    Raises UserError, or ConfigRefused, which is one, when the change would not hold together; nothing is changed then.
    What lets clients meet a model that they did not meet is refused where a second person must approve it.
    """

    def __init__(self, engine: Engine, registry: ModelRegistry, clock: Clock) -> None:
        self._engine = engine
        self._registry = registry
        self._clock = clock

    def start(self, wanted: Start, author: str, reason: str) -> int:
        """Starts an experiment, outside of layers or in one."""
        with self._turn() as mine:
            refuse_alone(mine.config())
            if any(run.name == wanted.name for run in _runs(mine.connection)):
                raise UserError(f"there was an experiment {wanted.name!r} before: choose a new name", "name")
            return mine.apply(started(mine.config(), wanted), author, reason)

    def stop(self, name: str, winner: str | None, note: str, author: str) -> int | None:
        """Sends the experiment's clients back to the champion and keeps the verdict. One that has ended already gets
        the verdict alone; the revision is None then."""
        check_length(note, "note")
        with self._turn() as mine:
            run = _named(_runs(mine.connection), name)
            _refuse_winner(run, winner)
            revision = mine.apply(stopped(mine.config(), name), author, note) if run.running else None
            self._conclude(mine.connection, run, winner, note, author)
            return revision

    def pause(self, name: str, author: str, reason: str) -> int:
        """Lets the experiment's clients all meet the champion, until it is resumed; nobody is enrolled meanwhile."""
        with self._turn() as mine:
            config = mine.config()
            place(config, name)
            if name in config.paused:
                raise UserError(f"experiment {name!r} is paused already", "name")
            return mine.apply({"paused": [*config.paused, name]}, author, reason)

    def resume(self, name: str, author: str, reason: str) -> int:
        with self._turn() as mine:
            paused = mine.config().paused
            if name not in paused:
                raise UserError(f"experiment {name!r} is not paused", "name")
            return mine.apply({"paused": [each for each in paused if each != name]}, author, reason)

    def advance(self, model: str, author: str, reason: str) -> Step:
        """Leads the model one step up the ladder."""
        with self._turn() as mine:
            refuse_alone(mine.config())
            used = {run.name for run in _runs(mine.connection)}
            step = ladder.advance(mine.config(), model, used)
            return self._take(mine, step, author, reason)

    def retreat(self, model: str, author: str, reason: str) -> Step:
        """Takes the model off the ladder, whatever its step: all clients meet the champion."""
        with self._turn() as mine:
            return self._take(mine, ladder.retreat(mine.config(), model), author, reason)

    def _take(self, mine: Turn, step: Step, author: str, reason: str) -> Step:
        mine.apply(step.values, author, reason or step.words)
        if step.after == "champion" and step.ended is not None:
            run = _named(_runs(mine.connection), step.ended)
            winner = next(arm for arm in run.arms if arm != CHAMPION)
            self._conclude(mine.connection, run, winner, reason or step.words, author)
        return step

    def _conclude(self, connection: Connection, run: Run, winner: str | None, note: str, author: str) -> None:
        now = self._clock.now()
        verdict_store.put(connection, Verdict(run.name, winner, note, author, now))
        audit.note(connection, now, author, "experiment_concluded", run.name, winner=winner or "none", note=note)

    def _turn(self) -> AbstractContextManager[Turn]:
        return turn(self._engine, self._registry, self._clock)


def _runs(connection: Connection) -> list[Run]:
    rows = [row for key in KEYS_OF_RUNS for row in config_store.history(connection, key, ALL_OF_THEM)]
    verdicts = verdict_store.all_by_experiment(connection)
    return [_with_verdict(run, verdicts.get(run.name)) for run in runs_of(rows)]


def _with_verdict(run: Run, verdict: Verdict | None) -> Run:
    if verdict is None:
        return run
    return replace(run, winner=verdict.winner, note=verdict.note, decided_by=verdict.decided_by)


def _named(found: list[Run], name: str) -> Run:
    run = next((run for run in found if run.name == name), None)
    if run is None:
        raise UserError(f"there is no experiment {name!r}; see `./run.sh experiments list`", "name")
    return run


def _refuse_winner(run: Run, winner: str | None) -> None:
    if winner is not None and winner not in run.arms:
        raise UserError(f"{winner!r} is no arm of {run.name!r}: choose of {', '.join(run.arms)}", "winner")
