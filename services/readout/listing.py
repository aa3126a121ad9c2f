"""The experiments that there are to be read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from helpers.clock import Clock
from services.experiments import runs
from services.readout.facts import all_facts, ended, state_of
from services.readout.parts import State


@dataclass(frozen=True, slots=True)
class Listed:
    """An experiment, or a month of the permanent holdout. `winner` and `note` are what people concluded."""

    name: str
    state: State
    layer: str | None
    arms: Mapping[str, float]
    started_at: datetime | None
    stopped_at: datetime | None
    winner: str | None
    note: str | None


def experiments(engine: Engine, clock: Clock) -> list[Listed]:
    """Those that ever ran, the newest first, then the months of the permanent holdout, the newest first."""
    now = clock.now()
    concluded = {run.name: (run.winner, run.note) for run in runs(engine)}
    return [
        Listed(
            facts.name,
            state_of(facts, now),
            facts.layer,
            facts.arms,
            facts.started_at,
            ended(facts, now),
            *concluded.get(facts.name, (None, None)),
        )
        for facts in all_facts(engine)
    ]
