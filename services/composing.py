"""From a score to an answer, and from an answer to its record."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from modeling.features import TableSchema, input_warnings, values_of
from services.answers import Answer, Question
from services.config.model import LiveConfig
from services.customers import LifetimeValue
from services.meaning import high_risk, money_at_risk
from services.scoring import Score


class Occasion(NamedTuple):
    """What the answers of one request share: config, instant (ISO 8601), and the lifetime `values` of its clients."""

    config: LiveConfig
    revision: int
    schema: TableSchema
    values: Mapping[str, LifetimeValue]
    answered_at: str
    response_time: float
    request_id: str | None


def compose(
    occasion: Occasion, question: Question, scored: Score, told: list[dict[str, Any]], seen: int | None
) -> Answer:
    """The answer to somebody who is `told` these reasons and was `seen` so often before."""
    value = occasion.values[question.client_id]
    probability = None if scored.held_out else scored.prediction.probability
    card = scored.loaded.card
    return Answer(
        prediction_id=question.prediction_id or scored.prediction.prediction_id,
        client_id=question.client_id,
        prediction=probability,
        high_risk=high_risk(probability, occasion.config.proba_cutoff),
        ltv=value.amount,
        money_at_risk=money_at_risk(probability, value.amount),
        recent_times_id_seen=seen,
        arm=scored.arm,
        model=card.name,
        model_version=card.version,
        config_revision=occasion.revision,
        reasons=told,
        warnings=_warnings(occasion.schema, values_of(question.data), value),
        response_time=occasion.response_time,
    )


def record_of(occasion: Occasion, question: Question, scored: Score, answer: Answer) -> dict[str, Any]:
    """The answer as the outbox keeps it: the columns of `model_logs`, and the mail that is due."""
    record = {
        "prediction_id": answer.prediction_id,
        "client_id": answer.client_id,
        "arm": answer.arm,
        "model": answer.model,
        "model_version": answer.model_version,
        "config_revision": answer.config_revision,
        "prediction": answer.prediction,
        "ltv": answer.ltv,
        "money_at_risk": answer.money_at_risk,
        "recent_times_id_seen": answer.recent_times_id_seen,
        "response_time": answer.response_time,
        "high_risk": None if answer.high_risk is None else answer.high_risk == "yes",
        "answered_at": occasion.answered_at,
        "experiment": scored.experiment,
        "cutoff": occasion.config.proba_cutoff,
        "input": values_of(question.data),
        "output": answer.as_dict(),
        "silent_scores": scored.silent_scores,
        "request_id": occasion.request_id,
    }
    recipients = _recipients(answer, occasion.config)
    return {**record, "email": {"recipients": recipients}} if recipients else record


def _warnings(schema: TableSchema, given: Mapping[str, Any], value: LifetimeValue) -> list[dict[str, Any]]:
    found = input_warnings(schema, given)
    if value.stale:
        state = "is unknown" if value.amount is None else "may be out of date"
        text = f"ltv {state}: the customer store does not answer"
        found.append({"code": "stale_value", "field": "ltv", "value": value.amount, "message": text})
    return found


def _recipients(answer: Answer, config: LiveConfig) -> tuple[str, ...]:
    """Who is to be told of this answer. The holdout is never treated, so nobody is told of it."""
    due = config.email_policy == "every" or (config.email_policy == "high_risk" and answer.high_risk == "yes")
    return config.email_recipients if due and answer.prediction is not None else ()
