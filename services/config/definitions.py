"""What rows of the config table say about experiments, and whether one may still say it.

An experiment keeps the arms, salt and layer with which it was first in force: clients who came under others would be
counted in arms that they never met. That is decided by the table alone, so every process decides alike.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pydantic import TypeAdapter, ValidationError

from data.config_store import ConfigRow
from services.config.parts import Experiment, Layer, Layers

EXPERIMENT, LAYERS = "experiment", "layers"
KEYS_OF_EXPERIMENTS = (EXPERIMENT, LAYERS)


@dataclass(frozen=True, slots=True)
class Definition:
    """An experiment as one row has it. `arms` are those with a share; `share` is that of its layer among all clients,
    None outside of layers."""

    name: str
    salt: str
    arms: Mapping[str, float]
    layer: str | None = None
    share: float | None = None

    @property
    def compares(self) -> bool:
        return len(self.arms) > 1


WasInForce = Callable[[ConfigRow, int], bool]


def definitions_of(experiment: Experiment | None, layers: Mapping[str, Layer]) -> tuple[Definition, ...]:
    """The experiments of a config, or of a part of it."""
    main = () if experiment is None else (_definition(experiment),)
    return (*main, *(_definition(layer.experiment, name, layer.share) for name, layer in layers.items()))


def definitions(row: ConfigRow) -> tuple[Definition, ...]:
    """The experiments that the row has; none when it is of another key or not valid by itself."""
    return _parsed(row.key, row.value) if row.key in KEYS_OF_EXPERIMENTS else ()


@lru_cache(maxsize=4_096)
def _parsed(key: str, text: str) -> tuple[Definition, ...]:
    """Remembered, because each reading of the table looks at every experiment that there ever was."""
    try:
        if key == EXPERIMENT:
            return definitions_of(Experiment.model_validate_json(text), {})
        return definitions_of(None, _LAYERS.validate_json(text))
    except ValidationError:
        return ()


def redefined(newest: Mapping[str, ConfigRow], rows: Sequence[ConfigRow], was_in_force: WasInForce) -> dict[str, str]:
    """Which of the `newest` rows change an experiment that is known by its name already, by key, and what they change.

    `rows` are all of the table, newest first; `was_in_force(row, before)` tells whether the row was in force at some
    time before the row with the id `before` was written.
    """
    problems = {}
    for row in (newest[key] for key in KEYS_OF_EXPERIMENTS if key in newest):
        running = _replaced(row, rows)
        for definition in definitions(row):
            first = _first(definition, row, rows, was_in_force)
            harmless = not definition.compares and definition.name not in running
            if first is not None and first != definition and not harmless:
                problems[row.key] = _refusal(definition, first, running)
    return problems


def _first(wanted: Definition, at: ConfigRow, rows: Sequence[ConfigRow], was_in_force: WasInForce) -> Definition | None:
    """The definition under which the name was first in force, if that needs to be known at all."""
    earlier = [(row, found) for row, found in _of_name(wanted.name, rows) if row.id < at.id and found.compares]
    if all(found == wanted for _, found in earlier):
        return None
    return next((found for row, found in earlier if was_in_force(row, at.id)), None)


def _of_name(name: str, rows: Sequence[ConfigRow]) -> Iterator[tuple[ConfigRow, Definition]]:
    """Every row that defines the name, the oldest first."""
    for row in reversed(rows):
        yield from ((row, found) for found in definitions(row) if found.name == name)


def _replaced(at: ConfigRow, rows: Sequence[ConfigRow]) -> set[str]:
    """The names in the row that `at` was to replace."""
    replaced = next((row for row in rows if row.key == at.key and row.id < at.id), None)
    return set() if replaced is None else {found.name for found in definitions(replaced)}


def _refusal(wanted: Definition, first: Definition, running: set[str]) -> str:
    names = {"arms": "arms", "salt": "salt", "layer": "layer", "share": "layer's share"}
    changed = next(words for field, words in names.items() if getattr(wanted, field) != getattr(first, field))
    if wanted.name in running:
        verb = "cannot change; end it and start the next under a new name"
        return f"experiment {wanted.name!r} is running: its {changed} {verb}"
    return f"experiment {wanted.name!r} was used before, and its {changed} differed: choose a new name"


def _definition(experiment: Experiment, layer: str | None = None, share: float | None = None) -> Definition:
    arms = {arm: experiment.arms[arm] for arm in experiment.open_arms}
    return Definition(experiment.name, experiment.salt, arms, layer, share)


_LAYERS: TypeAdapter[Layers] = TypeAdapter(Layers)
