"""From a score to an answer, and from an answer to its record."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from modeling.features import input_warnings, values_of
from services.answers import Answer, LedgerStamp, Question, ledger_record
from services.customers import LifetimeValue
from services.meaning import high_risk, money_at_risk
from services.scoring import Score
from services.snapshot import Snapshot


class Occasion(NamedTuple):
    """What the answers of one request share: config, instant (ISO 8601), and the lifetime `values` of its clients."""

    snapshot: Snapshot
    values: Mapping[str, LifetimeValue]
    answered_at: str
    response_time: float
    request_id: str | None


def compose(
    occasion: Occasion, question: Question, scored: Score, told: list[dict[str, Any]], seen: int | None
) -> Answer:
    """The answer to somebody who is `told` these reasons and was `seen` so often before."""
    snapshot, value = occasion.snapshot, occasion.values[question.client_id]
    probability = None if scored.held_out else scored.prediction.probability
    card = scored.loaded.card
    return Answer(
        prediction_id=question.prediction_id or scored.prediction.prediction_id,
        client_id=question.client_id,
        prediction=probability,
        high_risk=high_risk(probability, snapshot.config.proba_cutoff),
        ltv=value.amount,
        money_at_risk=money_at_risk(probability, value.amount),
        recent_times_id_seen=seen,
        arm=scored.arm,
        model=card.name,
        model_version=card.version,
        config_revision=snapshot.revision,
        reasons=told,
        warnings=_warnings(values_of(question.data), value, snapshot),
        response_time=occasion.response_time,
    )


def record_of(occasion: Occasion, question: Question, scored: Score, answer: Answer) -> dict[str, Any]:
    """The answer as the outbox keeps it."""
    stamp = LedgerStamp(
        answered_at=occasion.answered_at,
        experiment=scored.experiment,
        cutoff=occasion.snapshot.config.proba_cutoff,
        input=values_of(question.data),
        silent_scores=scored.silent_scores,
        request_id=occasion.request_id,
        recipients=_recipients(answer, occasion.snapshot),
    )
    return ledger_record(answer, stamp)


def _warnings(given: Mapping[str, Any], value: LifetimeValue, snapshot: Snapshot) -> list[dict[str, Any]]:
    found = input_warnings(snapshot.serving.schema, given)
    if value.stale:
        state = "is unknown" if value.amount is None else "may be out of date"
        text = f"ltv {state}: the customer store does not answer"
        found.append({"code": "stale_value", "field": "ltv", "value": value.amount, "message": text})
    return found


def _recipients(answer: Answer, snapshot: Snapshot) -> tuple[str, ...]:
    """Who is to be told of this answer. The holdout is never treated, so nobody is told of it."""
    policy = snapshot.config.email_policy
    due = policy == "every" or (policy == "high_risk" and answer.high_risk == "yes")
    return snapshot.config.email_recipients if due and answer.prediction is not None else ()
