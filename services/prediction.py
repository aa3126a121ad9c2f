"""Answers clients: sightings, snapshot, arm, score, money, reasons, and the record before the answer."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from data.client_activity import ClientActivity, Sightings
from helpers.clock import Clock
from helpers.errors import UserError
from helpers.failsoft import FailSoft
from helpers.metrics import Metrics
from modeling.features import input_warnings, values_of
from services.answers import Answer, LedgerStamp, Question, ledger_record
from services.config.live import LiveConfigSource
from services.customers import CustomerService, LifetimeValue
from services.meaning import high_risk, money_at_risk, reasons
from services.scoring import Score, score
from services.snapshot import Serving, Snapshot

Record = Callable[[Sequence[dict[str, Any]]], None]
_UNSEEN = {
    "code": "unavailable",
    "field": "recent_times_id_seen",
    "value": None,
    "message": "recent_times_id_seen is unknown: the activity store does not answer",
}


class PredictionService:
    """The path of every prediction. `record` must make the records durable before it returns."""

    def __init__(
        self,
        live: LiveConfigSource,
        customers: CustomerService,
        activity: ClientActivity,
        redis_guard: FailSoft,
        record: Record,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._live = live
        self._customers = customers
        self._activity = activity
        self._redis_guard = redis_guard
        self._record = record
        self._clock = clock
        self._metrics = metrics

    def answer(self, question: Question, request_id: str | None = None) -> Answer:
        """The answer for one client; see `answer_many`."""
        return self.answer_many([question], request_id)[0]

    def answer_many(self, questions: Sequence[Question], request_id: str | None = None) -> list[Answer]:
        """One answer for each question, in order, all in the outbox before this returns.

        Raises NotReady without a model in service, SpoolFull when nothing more can be recorded, and
        whatever the model raises: there is no answer in place of a failed one.
        """
        started = time.perf_counter()
        sightings, snapshot, questions, scores = self._scored(questions)
        values = self._customers.lifetime_values([question.client_id for question in questions])
        answers, records = [], []
        for i, (question, scored) in enumerate(zip(questions, scores, strict=True)):
            given = values_of(question.data)
            told = self._reasons(question, scored)
            seen = sightings.earlier[i] if sightings else None
            answer = _compose(question, given, scored, told, values, seen, snapshot, started)
            if seen is None:
                answer.warnings.append(_UNSEEN)
            answers.append(answer)
            records.append(ledger_record(answer, self._stamp(given, scored, answer, snapshot, request_id)))
        self._record(records)
        for answer in answers:
            self._metrics.predictions.labels(answer.arm, answer.model, answer.high_risk or "unsaid").inc()
        return answers

    def try_out(self, question: Question) -> Answer:
        """What would be answered. Nobody is enrolled, seen or told of it; nothing is recorded, so it has no id, and
        a failure is none of the model's that guardrails should count.

        Raises NotReady, and whatever the model raises.
        """
        started = time.perf_counter()
        snapshot = self._live.current()
        question = _fit(question, snapshot.serving)
        (scored,) = score(snapshot.serving, [question], lambda _model: None, lambda _model, _clients: None)
        values = self._customers.lifetime_values([question.client_id])
        told = [] if scored.held_out else reasons(scored.loaded.model, question.data, question.reasons)
        given = values_of(question.data)
        answer = _compose(question, given, scored, told, values, None, snapshot, started)
        return replace(answer, prediction_id="")

    def _scored(
        self, questions: Sequence[Question]
    ) -> tuple[Sightings | None, Snapshot, Sequence[Question], Sequence[Score]]:
        """Scores while Redis counts: a thread that waits costs more than the scores do. Where Redis then tells of
        another config, what was done early, or failed, does not count."""
        sighted = self._sight(questions)
        early = self._live.newest
        attempt = None if early is None else _attempt(early.serving, questions)
        sightings = sighted()
        snapshot = self._follow(sightings)
        if attempt is None or snapshot is not early:
            attempt = _attempt(snapshot.serving, questions)
        self._count_failures(attempt)
        if attempt.error is not None:
            raise attempt.error
        return sightings, snapshot, attempt.questions, attempt.scores

    def _sight(self, questions: Sequence[Question]) -> Callable[[], Sightings | None]:
        window = self._live.config.activity_window_seconds
        ids = [question.client_id for question in questions]
        now = self._clock.now().timestamp()
        return self._redis_guard.begin(lambda: self._activity.sight(ids, now, window), default=None)

    def _follow(self, sightings: Sightings | None) -> Snapshot:
        """Without Redis nothing is known of the fleet's revision: what is in force stays."""
        return self._live.following(sightings.fleet_revision) if sightings else self._live.current()

    def _reasons(self, question: Question, scored: Score) -> list[dict[str, Any]]:
        if scored.held_out:
            return []
        try:
            return reasons(scored.loaded.model, question.data, question.reasons)
        except Exception:
            self._count_failure(scored.loaded.ref, 1)
            raise

    def _count_failure(self, reference: str, clients: int) -> None:
        """For the guardrails; the answers themselves are in the ledger."""
        now = self._clock.now().timestamp()
        self._redis_guard.call(lambda: self._activity.count_failure(reference, clients, now), default=None)

    def _count_failures(self, attempt: "_Attempt") -> None:
        for reference in attempt.shadows_failed:
            self._metrics.shadow_failures.labels(reference).inc()
        for reference, clients in attempt.failed:
            self._count_failure(reference, clients)

    def _stamp(
        self, given: Mapping[str, Any], scored: Score, answer: Answer, snapshot: Snapshot, request_id: str | None
    ) -> LedgerStamp:
        return LedgerStamp(
            answered_at=self._clock.now(),
            experiment=scored.experiment,
            cutoff=snapshot.config.proba_cutoff,
            input=given,
            silent_scores=scored.silent_scores,
            request_id=request_id,
            recipients=_recipients(answer, snapshot),
        )


@dataclass(slots=True)
class _Attempt:
    """To score `questions`, under one config: the `scores`, or the `error`. `failed`: the model and its clients."""

    questions: Sequence[Question]
    scores: Sequence[Score] = ()
    error: Exception | None = None
    failed: list[tuple[str, int]] = field(default_factory=list)
    shadows_failed: list[str] = field(default_factory=list)


def _attempt(serving: Serving, questions: Sequence[Question]) -> _Attempt:
    made = _Attempt(questions)
    try:
        made.questions = [_fit(question, serving) for question in questions]
        made.scores = score(serving, made.questions, made.shadows_failed.append, lambda *who: made.failed.append(who))
    except Exception as error:  # noqa: BLE001 - raised once it is known that the attempt counts
        made.error = error
    return made


def _fit(question: Question, serving: Serving) -> Question:
    """The question under the schema now in force, should that have changed since it was checked."""
    if isinstance(question.data, serving.input_model):
        return question
    try:
        data = serving.input_model.model_validate(values_of(question.data))
    except ValidationError as error:
        field = str(error.errors()[0]["loc"][0])
        message = f"{field}: a model with other fields came into service just now; see /openapi.json"
        raise UserError(message, field) from None
    return replace(question, data=data)


def _compose(
    question: Question,
    given: Mapping[str, Any],
    scored: Score,
    told: list[dict[str, Any]],
    values: Mapping[str, LifetimeValue],
    seen: int | None,
    snapshot: Snapshot,
    started: float,
) -> Answer:
    value = values[question.client_id]
    probability = None if scored.held_out else scored.prediction.probability
    return Answer(
        prediction_id=question.prediction_id or scored.prediction.prediction_id,
        client_id=question.client_id,
        prediction=probability,
        high_risk=high_risk(probability, snapshot.config.proba_cutoff),
        ltv=value.amount,
        money_at_risk=money_at_risk(probability, value.amount),
        recent_times_id_seen=seen,
        arm=scored.arm,
        model=scored.loaded.card.name,
        model_version=scored.loaded.card.version,
        config_revision=snapshot.revision,
        reasons=told,
        warnings=_warnings(given, value, snapshot),
        response_time=round(time.perf_counter() - started, 6),
    )


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
