"""What a model does under a configuration, and which values would give it something else to do."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from experiments.plan import CHAMPION
from services import ladder
from services.config.model import LiveConfig
from services.config.parts import Experiment
from services.ladder import Stage

Use = Literal["champion", "challenger", "shadow"]


@dataclass(frozen=True, slots=True)
class Arm:
    """An arm of a running experiment, with its share of that experiment's clients."""

    experiment: str
    name: str
    share: float


@dataclass(frozen=True, slots=True)
class Duties:
    """`aliases` are the names that stand for the model; `stage` is its step of the promotion ladder."""

    aliases: Sequence[str] = ()
    silent: bool = False
    arms: Sequence[Arm] = ()
    stage: Stage = "none"

    def has(self, use: Use) -> bool:
        return self.silent if use == "shadow" else use in self.aliases


@dataclass(frozen=True, slots=True)
class Meeting:
    """Two models in one experiment: `silent` are those of them that score there without answering."""

    experiment: str
    silent: Sequence[str]


def duties(config: LiveConfig | None, ref: str) -> Duties:
    """What `name@version` does; nothing as long as no configuration is in force."""
    if config is None:
        return Duties()
    aliases = tuple(alias for alias, reference in config.aliases.items() if reference == ref)
    silent = ref in {config.resolve(name) for name in config.shadow}
    return Duties(aliases, silent, tuple(_arms(config, ref)), ladder.where(config, ref))


def values_for(values: Mapping[str, Any], ref: str, use: Use) -> dict[str, Any]:
    """The config values, of those in force, that change when the model is to be used like that."""
    aliases, shadow = values["aliases"], values["shadow"]
    if use == "shadow":
        return {"shadow": [*shadow, ref] if ref not in shadow else shadow}
    changed: dict[str, Any] = {"aliases": {**aliases, use: ref}}
    if use == CHAMPION:
        changed["shadow"] = [name for name in shadow if aliases.get(name, name) != ref]
    return changed


def meetings(config: LiveConfig | None, a: str, b: str) -> list[Meeting]:
    """The running experiments in which both score the clients, at least one of them openly."""
    if config is None:
        return []
    running = [each for each in config.experiments if each.compares]
    return [meeting for each in running if (meeting := _meeting(config, each, (a, b)))]


def _meeting(config: LiveConfig, experiment: Experiment, pair: tuple[str, str]) -> Meeting | None:
    open_arms = {config.resolve(arm) for arm in experiment.open_arms}
    shadows = {config.resolve(name) for name in config.shadow}
    silent = [ref for ref in pair if ref not in open_arms]
    met = len(silent) < len(pair) and shadows.issuperset(silent)
    return Meeting(experiment.name, silent) if met else None


def _arms(config: LiveConfig, ref: str) -> Iterator[Arm]:
    for experiment in config.experiments:
        if experiment.compares:
            mine = (arm for arm in experiment.open_arms if config.resolve(arm) == ref)
            yield from (Arm(experiment.name, arm, experiment.arms[arm]) for arm in mine)
