"""Scores under one config, or why there are none; whether they count is known only later."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError

from helpers.errors import UserError
from modeling.features import values_of
from services.answers import Question
from services.scoring import Score, score
from services.snapshot import Serving


@dataclass(slots=True)
class Attempt:
    """To score `questions`, under one config: the `scores`, or the `error`. `failed`: the model and its clients."""

    questions: Sequence[Question]
    scores: Sequence[Score] = ()
    error: Exception | None = None
    failed: list[tuple[str, int]] = field(default_factory=list)
    shadows_failed: list[str] = field(default_factory=list)


def attempt(serving: Serving, questions: Sequence[Question]) -> Attempt:
    made = Attempt(questions)
    try:
        made.questions = [fit(question, serving) for question in questions]
        made.scores = score(serving, made.questions, made.shadows_failed.append, lambda *who: made.failed.append(who))
    except Exception as error:  # noqa: BLE001 - raised once it is known that the attempt counts
        made.error = error
    return made


def fit(question: Question, serving: Serving) -> Question:
    """The question under the schema now in force, should that have changed since it was checked."""
    if isinstance(question.data, serving.input_model):
        return question
    try:
        data = serving.input_model.model_validate(values_of(question.data))
    except ValidationError as error:
        field = str(error.errors()[0]["loc"][0])
        message = f"{field}: a model with other fields came into service just now; see /openapi.json"
        raise UserError(message, field) from None
    return question._replace(data=data)
