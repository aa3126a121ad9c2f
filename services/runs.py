"""When experiments ran, read from the history of the config table by the rules by which the fleet reads it.

Whether a model could be loaded at the time, nobody knows by now: an arm that the aliases knew, or that named a version,
counts as one that could.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from data.config_store import ConfigRow
from helpers.errors import UserError
from services.config.definitions import KEYS_OF_EXPERIMENTS, Definition, definitions_of
from services.config.model import ConfigRefused, LiveConfig
from services.config.parts import ExperimentName
from services.config.reading import read_config

ALIASES, PAUSED = "aliases", "paused"
KEYS_OF_RUNS = (*KEYS_OF_EXPERIMENTS, ALIASES, PAUSED)


@dataclass(frozen=True, slots=True)
class Run:
    """An experiment and its time. `arms` are those with a share; `layer` and `share` are None outside of layers.

    `author` and `reason` are those of its start, None where someone typed SQL. `paused_because` is the reason given for
    a pause. `winner`, `note` and `decided_by` are the verdict; without `decided_by` there is none yet.
    """

    name: str
    salt: str
    arms: Mapping[str, float]
    layer: str | None
    share: float | None
    started_at: datetime
    stopped_at: datetime | None
    author: str | None
    reason: str | None
    paused: bool = False
    paused_because: str | None = None
    winner: str | None = None
    note: str | None = None
    decided_by: str | None = None

    @property
    def running(self) -> bool:
        """Until it is stopped, also while it is paused."""
        return self.stopped_at is None


def runs_of(rows: Sequence[ConfigRow]) -> list[Run]:
    """The runs in `rows`, which are all of KEYS_OF_RUNS, the newest run first. One that was brought back with the same
    arms is one run."""
    newest_first = sorted(rows, key=lambda row: -row.id)
    runs: dict[str, Run] = {}
    for place in reversed(range(len(newest_first))):
        row = newest_first[place]
        if row.key != PAUSED:
            _follow(runs, row, _in_force(newest_first[place:]))
    because = _paused(newest_first)
    found = [_with_pause(run, because) if run.running else run for run in runs.values()]
    return sorted(found, key=lambda run: (run.started_at, run.name), reverse=True)


def _in_force(rows: Sequence[ConfigRow]) -> dict[str, Definition]:
    """The experiments that compare arms, by name."""
    try:
        config = read_config(rows, _named).built
    except ConfigRefused:
        return {}
    return {each.name: each for each in definitions_of(config.experiment, config.layers) if each.compares}


def _named(config: LiveConfig) -> LiveConfig:
    """Raises ConfigRefused for an arm that stands for no model."""
    for key, experiments in (("experiment", [config.experiment]), ("layers", config.experiments[1:])):
        for arm in (arm for experiment in experiments for arm in experiment.arms):
            _resolve(config, key, arm)
    return config


def _resolve(config: LiveConfig, key: str, arm: str) -> None:
    try:
        config.resolve(arm)
    except UserError as error:
        raise ConfigRefused({key: str(error), ALIASES: str(error)}) from error


def _follow(runs: dict[str, Run], row: ConfigRow, met: Mapping[str, Definition]) -> None:
    """Notes what began and what ended when `row` was written."""
    for name in [name for name, run in runs.items() if run.running and name not in met]:
        runs[name] = replace(runs[name], stopped_at=row.inserted_at)
    for name, found in met.items():
        runs[name] = replace(runs[name], stopped_at=None) if name in runs else _begun(found, row)


def _begun(found: Definition, row: ConfigRow) -> Run:
    where = (found.layer, found.share)
    return Run(found.name, found.salt, found.arms, *where, row.inserted_at, None, row.author, row.reason)


def _with_pause(run: Run, because: Mapping[str, str]) -> Run:
    return replace(run, paused=run.name in because, paused_because=because.get(run.name) or None)


def _paused(rows: Sequence[ConfigRow]) -> dict[str, str]:
    """The experiments that are paused, with the reason that was given when they came to be."""
    because: dict[str, str] = {}
    for row in reversed(rows):
        names = _names(row) if row.key == PAUSED else None
        if names is not None:
            because = {name: because.get(name, row.reason or "") for name in names}
    return because


def _names(row: ConfigRow) -> tuple[str, ...] | None:
    try:
        return _PAUSED.validate_json(row.value)
    except ValidationError:
        return None


_PAUSED: TypeAdapter[tuple[ExperimentName, ...]] = TypeAdapter(tuple[ExperimentName, ...])
