"""Which model scores a client, openly or silently, under one snapshot."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from experiments.plan import HOLDOUT, Plan, plan
from modeling.registry import LoadedModel
from services.answers import Question
from services.snapshot import Serving

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Score:
    """`loaded` scored the client as `prediction`; openly, unless the arm is the holdout. `experiment` is the one that
    the client is enrolled in, if any."""

    arm: str
    experiment: str | None
    loaded: LoadedModel
    prediction: Any
    silent_scores: Mapping[str, float | None]

    @property
    def held_out(self) -> bool:
        return self.arm == HOLDOUT


Failed = Callable[[str, int], None]


def _unnoticed(_reference: str, _clients: int) -> None:
    pass


def score(
    serving: Serving,
    questions: Sequence[Question],
    shadow_failed: Callable[[str], None],
    failed: Failed = _unnoticed,
) -> list[Score]:
    """One score for each question, in order: each model is called once for all of its clients.

    An error of the model that clients meet is reported to `failed`, with the model's reference and the number of these
    clients, and raised; one of a shadow is logged, reported to `shadow_failed` and leaves None in the silent scores.
    """
    plans = [plan(serving.rules, question.client_id) for question in questions]
    openly = _by_model(serving, questions, plans, failed)
    silently = _shadows(serving, questions, shadow_failed)
    scores = []
    for position, (each, prediction) in enumerate(zip(plans, openly, strict=True)):
        loaded = serving.models[_meets(each)]
        silent = {reference: found[position] for reference, found in silently.items()}
        if each.arm == HOLDOUT:
            silent[loaded.ref] = prediction.probability
        scores.append(Score(each.arm, each.experiment, loaded, prediction, silent))
    return scores


def _meets(each: Plan) -> str:
    """The arm whose model scores the client; in the holdout the first silent one stands in for it."""
    return each.silent[0] if each.arm == HOLDOUT else each.arm


def _by_model(serving: Serving, questions: Sequence[Question], plans: Sequence[Plan], failed: Failed) -> list[Any]:
    positions: dict[str, list[int]] = defaultdict(list)
    for position, each in enumerate(plans):
        positions[_meets(each)].append(position)
    answers: dict[int, Any] = {}
    for arm, chosen in positions.items():
        loaded = serving.models[arm]
        try:
            found = loaded.model.predict_many([questions[i].data for i in chosen])
        except Exception:
            failed(loaded.ref, len(chosen))
            raise
        answers.update(zip(chosen, found, strict=True))
    return [answers[position] for position in range(len(plans))]


def _shadows(
    serving: Serving, questions: Sequence[Question], shadow_failed: Callable[[str], None]
) -> dict[str, list[float | None]]:
    found: dict[str, list[float | None]] = {}
    for name in serving.rules.shadow:
        loaded = serving.models[name]
        try:
            answers = loaded.model.predict_many([question.data for question in questions])
            found[loaded.ref] = [answer.probability for answer in answers]
        except Exception as error:
            shadow_failed(loaded.ref)
            log.exception("shadow_failed", model=loaded.ref, reason=type(error).__name__)
            found[loaded.ref] = [None] * len(questions)
    return found
