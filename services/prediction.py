"""Answers clients: sightings, snapshot, arm, score, money, reasons, and the record before the answer."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from data.client_activity import ClientActivity, Sightings
from helpers.clock import Clock
from helpers.failsoft import FailSoft
from helpers.metrics import Metrics
from services.answers import Answer, Question
from services.attempts import Attempt, attempt, fit
from services.composing import Occasion, compose, record_of
from services.config.live import LiveConfigSource
from services.customers import CustomerService
from services.meaning import reasons
from services.scoring import Score, score
from services.snapshot import Snapshot

Record = Callable[[Iterable[dict[str, Any]]], None]
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
        told = [self._reasons(*each) for each in zip(questions, scores, strict=True)]
        earlier = sightings.earlier if sightings else [None] * len(questions)
        occasion = self._occasion(questions, snapshot, started, request_id)
        answers = [compose(occasion, *each) for each in zip(questions, scores, told, earlier, strict=True)]
        if sightings is None:
            for answer in answers:
                answer.warnings.append(_UNSEEN)
        # One at a time: a thousand records would leave the processor's cache before they are spelled.
        self._record(record_of(occasion, *each) for each in zip(questions, scores, answers, strict=True))
        self._count_answers(answers)
        return answers

    def try_out(self, question: Question) -> Answer:
        """What would be answered. Nobody is enrolled, seen or told of it; nothing is recorded, so it has no id, and
        a failure is none of the model's that guardrails should count.

        Raises NotReady, and whatever the model raises.
        """
        started = time.perf_counter()
        snapshot = self._live.current()
        question = fit(question, snapshot.serving)
        (scored,) = score(snapshot.serving, [question], lambda _model: None, lambda _model, _clients: None)
        told = [] if scored.held_out else reasons(scored.loaded.model, question.data, question.reasons)
        answer = compose(self._occasion([question], snapshot, started, None), question, scored, told, None)
        return replace(answer, prediction_id="")

    def _scored(
        self, questions: Sequence[Question]
    ) -> tuple[Sightings | None, Snapshot, Sequence[Question], Sequence[Score]]:
        """Scores while Redis counts: a thread that waits costs more than the scores do. Where Redis then tells of
        another config, what was done early, or failed, does not count."""
        sighted = self._sight(questions)
        early = self._live.newest
        made = None if early is None else attempt(early.serving, questions)
        sightings = sighted()
        snapshot = self._follow(sightings)
        if made is None or snapshot is not early:
            made = attempt(snapshot.serving, questions)
        self._count_failures(made)
        if made.error is not None:
            raise made.error
        return sightings, snapshot, made.questions, made.scores

    def _sight(self, questions: Sequence[Question]) -> Callable[[], Sightings | None]:
        window = self._live.config.activity_window_seconds
        ids = [question.client_id for question in questions]
        now = self._clock.now().timestamp()
        return self._redis_guard.begin(lambda: self._activity.sight(ids, now, window), default=None)

    def _follow(self, sightings: Sightings | None) -> Snapshot:
        """Without Redis nothing is known of the fleet's revision: what is in force stays."""
        return self._live.following(sightings.fleet_revision) if sightings else self._live.current()

    def _reasons(self, question: Question, scored: Score) -> list[dict[str, Any]]:
        if scored.held_out or not question.reasons:
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

    def _count_failures(self, made: Attempt) -> None:
        for reference in made.shadows_failed:
            self._metrics.shadow_failures.labels(reference).inc()
        for reference, clients in made.failed:
            self._count_failure(reference, clients)

    def _count_answers(self, answers: Sequence[Answer]) -> None:
        for labels, number in Counter((each.arm, each.model, each.high_risk or "unsaid") for each in answers).items():
            self._metrics.predictions.labels(*labels).inc(number)

    def _occasion(
        self, questions: Sequence[Question], snapshot: Snapshot, started: float, request_id: str | None
    ) -> Occasion:
        return Occasion(
            config=snapshot.config,
            revision=snapshot.revision,
            schema=snapshot.serving.schema,
            values=self._customers.lifetime_values([question.client_id for question in questions]),
            answered_at=self._clock.now().isoformat(),
            response_time=round(time.perf_counter() - started, 6),
            request_id=request_id,
        )
