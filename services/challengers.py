"""Which models are compared with which, under one configuration, and what they did of late."""

from collections.abc import Sequence
from dataclasses import dataclass

from data.guardrail_store import RecentAnswer
from experiments.guardrails import Conduct
from experiments.plan import CHAMPION, control
from services.config.model import LiveConfig


@dataclass(frozen=True, slots=True)
class Challenge:
    """A model beside the one that it is compared with, both as `name@version`: in two arms of an experiment or, where
    there is none, as a shadow of the champion."""

    model: str
    champion: str
    experiment: str | None = None
    arm: str | None = None
    control: str | None = None

    @property
    def place(self) -> str:
        return "shadow" if self.experiment is None else f"experiment {self.experiment!r}"


def challenges(config: LiveConfig) -> list[Challenge]:
    """The open arms of running experiments but their controls, then the shadows; none of a paused experiment."""
    champion = config.resolve(CHAMPION)
    shadows = [Challenge(config.resolve(name), champion) for name in config.shadow]
    return [*_arms(config), *(each for each in shadows if each.model != champion)]


def _arms(config: LiveConfig) -> list[Challenge]:
    found = []
    for experiment in config.experiments:
        if experiment.compares and experiment.name not in config.paused:
            usual = control(experiment.arms)
            others = (arm for arm in experiment.open_arms if arm != usual)
            found += [
                Challenge(config.resolve(arm), config.resolve(usual), experiment.name, arm, usual) for arm in others
            ]
    return found


def conduct_of_arm(rows: Sequence[RecentAnswer], experiment: str, arm: str, model: str, failures: int) -> Conduct:
    """What the arm did. `rows` come newest first; `failures` are those of its model, wherever clients met it."""
    own = [row for row in rows if row.experiment == experiment and row.arm == arm]
    return conduct(model, own, _attempts(rows, model, failures), failures)


def conduct(name: str, rows: Sequence[RecentAnswer], attempts: int, failures: int) -> Conduct:
    """What these answers, the newest first, come to: of each client the newest score counts, unless it was silent."""
    newest = list({row.client_id: row for row in reversed(rows) if row.prediction is not None}.values())
    scores = [row.prediction for row in newest if row.prediction is not None]
    high = sum(row.prediction is not None and row.prediction >= row.cutoff for row in newest)
    return Conduct(name, attempts, failures, [row.seconds for row in rows], scores, high)


def conducts_of_shadow(rows: Sequence[RecentAnswer], challenge: Challenge, failures: int) -> tuple[Conduct, Conduct]:
    """What a shadow did and what the champion, whose `failures` these are, did for the same clients."""
    asked = [row for row in rows if challenge.model in row.silent_scores]
    missed = sum(row.silent_scores[challenge.model] is None for row in asked)
    pairs = _pairs(asked, challenge)
    silent, shown = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    its_high, high = (sum(pair[side] >= pair[2] for pair in pairs) for side in (0, 1))
    attempts = _attempts(rows, challenge.champion, failures)
    return (
        Conduct(challenge.model, len(asked), missed, (), silent, its_high),
        Conduct(challenge.champion, attempts, failures, (), shown, high),
    )


def _attempts(rows: Sequence[RecentAnswer], model: str, failures: int) -> int:
    return failures + sum(row.model == model for row in rows)


def _pairs(asked: Sequence[RecentAnswer], challenge: Challenge) -> list[tuple[float, float, float]]:
    """The silent score, the champion's and the cutoff, of the newest row of each client whom the champion answered."""
    found = {}
    for row in reversed(asked):
        silent = row.silent_scores[challenge.model]
        if row.model == challenge.champion and row.prediction is not None and silent is not None:
            found[row.client_id] = (silent, row.prediction, row.cutoff)
    return list(found.values())
