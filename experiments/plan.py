"""What is to happen to one client: holdout, layer, arm and shadows, from one set of rules."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from experiments.assignment import assign, in_holdout

HOLDOUT = "holdout"
CHAMPION = "champion"
MAIN = "main"
LAYERS_SALT = "layers"


@dataclass(frozen=True, slots=True)
class Layer:
    """A share of all clients and what they meet. Without an `experiment` nobody is enrolled."""

    share: float
    salt: str
    arms: Mapping[str, float]
    experiment: str | None


@dataclass(frozen=True, slots=True)
class Rules:
    """The part of the config that decides assignment. `salt`, `arms` and `experiment` are those of the clients who
    are in none of the `layers`."""

    salt: str
    arms: Mapping[str, float]
    shadow: tuple[str, ...]
    holdout_percentage: float
    holdout_salt: str
    experiment: str | None = None
    layers: Mapping[str, Layer] = field(default_factory=dict)


class Plan(NamedTuple):
    """`arm` is what the client meets; `silent` are the models that score unseen.

    `experiment` is the one that the client is enrolled in, if any; `layer` is None outside of all layers.
    """

    arm: str
    silent: tuple[str, ...]
    experiment: str | None = None
    layer: str | None = None


def plan(rules: Rules, client_id: str) -> Plan:
    """The client's plan. The holdout is above every layer and experiment: its clients are scored silently by
    the arm they would have met."""
    layer = _layer(rules, client_id) if rules.layers else None
    met = rules if layer is None else rules.layers[layer]
    arm = assign(met.salt, client_id, met.arms)
    if in_holdout(rules.holdout_salt, client_id, rules.holdout_percentage):
        return Plan(HOLDOUT, (arm, *rules.shadow), met.experiment, layer)
    return Plan(arm, rules.shadow, met.experiment, layer)


def control(arms: Mapping[str, float]) -> str:
    """The arm that the others are compared with: the champion if it has a share, or else the one with the largest,
    the first by name of several. Raises ValueError without an arm."""
    return CHAMPION if arms.get(CHAMPION, 0) > 0 else min(arms, key=lambda arm: (-arms[arm], arm))


def _layer(rules: Rules, client_id: str) -> str | None:
    """The layer that the client is in: drawn like an arm, under a salt that no experiment may have."""
    shares = {name: layer.share for name, layer in rules.layers.items()}
    drawn = assign(LAYERS_SALT, client_id, {MAIN: 1 - sum(shares.values()), **shares})
    return None if drawn == MAIN else drawn
