"""The steps by which a model becomes the champion: shadow, canary, A/B test, champion. Each is one config change.

Canary and A/B test draw clients with one salt, so that between them clients only ever move into the challenger.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from experiments.plan import CHAMPION
from helpers.errors import UserError
from services.config.model import LiveConfig
from services.config.parts import Experiment

Stage = Literal["none", "shadow", "canary", "ab", "champion"]
CANARY_SHARE, AB_SHARE = 0.05, 0.5
IDLE = ("default", "none")
LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Step:
    """A config change that brings a model from one stage to another. `ended` is the experiment that it ends."""

    model: str
    before: Stage
    after: Stage
    values: Mapping[str, Any]
    ended: str | None = None

    @property
    def words(self) -> str:
        return f"{self.model} from {self.before} to {self.after}"


def where(config: LiveConfig, model: str) -> Stage:
    """How far the model (an alias or a `name@version`) has come, in the experiment of the clients outside of layers.
    Raises UserError for a name that stands for no model."""
    reference = config.resolve(model)
    if config.resolve(CHAMPION) == reference:
        return "champion"
    share = _share(config, reference)
    if share > 0:
        return "canary" if share < AB_SHARE else "ab"
    return "shadow" if reference in _references(config, config.shadow) else "none"


def advance(config: LiveConfig, model: str, used: Collection[str]) -> Step:
    """The next step up. `used` are the names that experiments ever had. Raises UserError where there is none now."""
    stage = where(config, model)
    if stage == "champion":
        raise UserError(f"{model} is the champion already: there is no step above", "model")
    return _UP[stage](config, config.resolve(model), used)


def retreat(config: LiveConfig, model: str) -> Step:
    """The way back: all clients meet the champion, and the model scores nobody, not even silently."""
    stage, reference = where(config, model), config.resolve(model)
    if stage == "champion":
        raise UserError(f"{model} is the champion: name another in aliases, or climb with another model", "model")
    if stage == "none":
        raise UserError(f"{model} is on no step of the ladder: there is nothing to take back", "model")
    values: dict[str, Any] = {"shadow": _without(config, reference)}
    if stage == "shadow":
        return Step(reference, stage, "none", values)
    _refuse_other_arms(config, reference)
    ended = config.experiment.name
    return Step(reference, stage, "none", {**values, **idle(config, ended)}, ended)


def idle(config: LiveConfig, ended: str) -> dict[str, Any]:
    """The values of an `experiment` that enrols nobody, after the one named `ended`: that keeps its name and arms."""
    name = next(name for name in IDLE if name != ended)
    values: dict[str, Any] = {"experiment": Experiment(name=name).model_dump()}
    if ended in config.paused:
        values["paused"] = [each for each in config.paused if each != ended]
    return values


def unused(name: str, used: Collection[str]) -> str:
    """The name, or the first of name-2, name-3 … that no experiment had; cut to fit."""
    names = (f"{name[: LONGEST_NAME - len(end)]}{end}" for n in range(1, len(used) + 2) for end in [_ending(n)])
    return next(each for each in names if each not in used)


def _to_shadow(config: LiveConfig, reference: str, _used: Collection[str]) -> Step:
    return Step(reference, "none", "shadow", {"shadow": [*config.shadow, reference]})


def _to_canary(config: LiveConfig, reference: str, used: Collection[str]) -> Step:
    if config.experiment.compares:
        raise UserError(f"experiment {config.experiment.name!r} is running: stop it first", "experiment")
    name = unused(f"{_plain(reference)}-canary", used)
    return Step(reference, "shadow", "canary", _experiment(reference, name, name, CANARY_SHARE))


def _to_ab(config: LiveConfig, reference: str, used: Collection[str]) -> Step:
    _refuse_unready(config, reference)
    name = unused(f"{_plain(reference)}-ab", used)
    values = _experiment(reference, name, config.experiment.salt, AB_SHARE)
    return Step(reference, "canary", "ab", values, config.experiment.name)


def _to_champion(config: LiveConfig, reference: str, _used: Collection[str]) -> Step:
    _refuse_unready(config, reference)
    ended = config.experiment.name
    values = {**idle(config, ended), "aliases": {**config.aliases, CHAMPION: reference}}
    values["shadow"] = _without(config, reference)
    return Step(reference, "ab", "champion", values, ended)


_UP: Mapping[str, Callable[[LiveConfig, str, Collection[str]], Step]] = {
    "none": _to_shadow,
    "shadow": _to_canary,
    "canary": _to_ab,
    "ab": _to_champion,
}


def _refuse_unready(config: LiveConfig, reference: str) -> None:
    _refuse_other_arms(config, reference)
    name = config.experiment.name
    if name in config.paused:
        raise UserError(f"experiment {name!r} is paused: resume it, or go back with retreat", "paused")


def _refuse_other_arms(config: LiveConfig, reference: str) -> None:
    """The ladder ends experiments of the champion and this model alone; others are ended by whoever began them."""
    arms = {config.resolve(arm) for arm in config.experiment.open_arms}
    if arms != {config.resolve(CHAMPION), reference}:
        name = config.experiment.name
        raise UserError(f"experiment {name!r} has other arms than the champion and {reference}: stop it", "experiment")


def _experiment(reference: str, name: str, salt: str, share: float) -> dict[str, Any]:
    arms = {CHAMPION: 1 - share, reference: share}
    return {"experiment": {"name": name, "salt": salt, "arms": arms}}


def _share(config: LiveConfig, reference: str) -> float:
    arms = config.experiment.arms
    return sum(share for arm, share in arms.items() if config.resolve(arm) == reference)


def _references(config: LiveConfig, names: Collection[str]) -> set[str]:
    return {config.resolve(name) for name in names}


def _without(config: LiveConfig, reference: str) -> list[str]:
    return [name for name in config.shadow if config.resolve(name) != reference]


def _plain(reference: str) -> str:
    return reference.replace("@", "-")


def _ending(n: int) -> str:
    return "" if n == 1 else f"-{n}"
