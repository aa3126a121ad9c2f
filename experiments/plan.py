"""What is to happen to one client: holdout, arm and shadows, from one set of rules."""

from collections.abc import Mapping
from dataclasses import dataclass

from experiments.assignment import assign, in_holdout

HOLDOUT = "holdout"


@dataclass(frozen=True, slots=True)
class Rules:
    """The part of the config that decides assignment."""

    salt: str
    arms: Mapping[str, float]
    shadow: tuple[str, ...]
    holdout_percentage: float
    holdout_salt: str


@dataclass(frozen=True, slots=True)
class Plan:
    """`arm` is what the client meets; `silent` are the models that score unseen."""

    arm: str
    silent: tuple[str, ...]


def plan(rules: Rules, client_id: str) -> Plan:
    """The client's plan. The holdout is a layer of its own, above every experiment: its clients are
    scored silently by the arm they would have met."""
    arm = assign(rules.salt, client_id, rules.arms)
    if in_holdout(rules.holdout_salt, client_id, rules.holdout_percentage):
        return Plan(HOLDOUT, (arm, *rules.shadow))
    return Plan(arm, rules.shadow)
