"""Which model scores a client, openly or silently, under one snapshot."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import structlog

from experiments.plan import HOLDOUT, Plan, plan
from modeling.registry import LoadedModel
from modeling.rows import Rows
from services.answers import Question
from services.snapshot import Serving

log = structlog.get_logger()


class Score(NamedTuple):
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
    rows = Rows([question.data for question in questions])
    openly = _by_model(serving, rows, plans, failed)
    silently = _shadows(serving, rows, shadow_failed)
    scores = []
    for each, prediction, *unseen in zip(plans, openly, *silently.values(), strict=True):
        loaded = serving.models[_meets(each)]
        silent: dict[str, float | None] = dict(zip(silently, unseen, strict=True))
        if each.arm == HOLDOUT:
            silent[loaded.ref] = prediction.probability
        scores.append(Score(each.arm, each.experiment, loaded, prediction, silent))
    return scores


def _meets(each: Plan) -> str:
    """The arm whose model scores the client; in the holdout the first silent one stands in for it."""
    return each.silent[0] if each.arm == HOLDOUT else each.arm


def _by_model(serving: Serving, rows: Rows, plans: Sequence[Plan], failed: Failed) -> list[Any]:
    positions: dict[str, list[int]] = defaultdict(list)
    for position, each in enumerate(plans):
        positions[_meets(each)].append(position)
    answers: dict[int, Any] = {}
    for arm, chosen in positions.items():
        loaded = serving.models[arm]
        try:
            found = loaded.model.predict_many(rows.some(chosen))
        except Exception:
            failed(loaded.ref, len(chosen))
            raise
        answers.update(zip(chosen, found, strict=True))
    return [answers[position] for position in range(len(plans))]


def _shadows(serving: Serving, rows: Rows, shadow_failed: Callable[[str], None]) -> dict[str, Sequence[float | None]]:
    found: dict[str, Sequence[float | None]] = {}
    for name in serving.rules.shadow:
        loaded = serving.models[name]
        try:
            found[loaded.ref] = loaded.model.predict_plainly(rows)
        except Exception as error:
            shadow_failed(loaded.ref)
            log.exception("shadow_failed", model=loaded.ref, reason=type(error).__name__)
            found[loaded.ref] = [None] * len(rows)
    return found
