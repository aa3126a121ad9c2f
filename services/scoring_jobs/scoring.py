"""Scores a chunk of a file as POST /v1/predict/batch would: the same questions, the same answers, each in the ledger.

A chunk is claimed for a while and scored, and its answers are kept. Whoever dies in between leaves a claim that lapses;
the next one asks the same questions under the same ids, so that the ledger keeps one row for each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from data import scoring_store
from data.queue import JOB_SECONDS
from data.scoring_store import FAILED, RUNNING, Chunk
from data.spool import SpoolFull
from helpers.clock import Clock
from services.answers import Question
from services.config.live import LiveConfigSource, NotReady
from services.customers import CustomerService
from services.prediction import PredictionService
from services.questions import Unfit, question
from services.scoring_jobs.cells import CLIENT_ID, Cells
from services.snapshot import Snapshot

REASONS = 3
CLAIM = timedelta(seconds=JOB_SECONDS + 5)  # no attempt outlives it: the job is ended before
PAUSE = timedelta(seconds=10)
MOST_ATTEMPTS = 5
MOST_BEGUN = 20  # more than workers end for other reasons, as when a version is rolled out
FAILURE = "The model failed on rows {first:,} to {last:,} ({reason}). The rows before them are scored."
NEVER_ENDED = (
    "Scoring rows {first:,} to {last:,} was begun {begun} times and never ended: the worker died of it, or ran out of"
    " memory. The rows before them are scored."
)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Scorer:
    """What a chunk is scored with."""

    engine: Engine
    clock: Clock
    live: LiveConfigSource
    customers: CustomerService
    predictions: PredictionService

    def score(self, job_id: str, number: int) -> int | None:
        """Scores the chunk if it is due and nobody else has it, and gives the next one, if any.

        A chunk that cannot be scored now is put off; one that fails again and again, or whose workers
        die of it, ends its job. Raises SQLAlchemyError when not even that can be noted.
        """
        chunk = self._claimed(job_id, number)
        if chunk is None:
            return None
        if chunk.attempts > MOST_BEGUN:
            log.error("chunk_never_ends", job=job_id, chunk=number, begun=MOST_BEGUN)
            self._end(chunk, NEVER_ENDED, begun=MOST_BEGUN)
            return None
        try:
            return self._keep(chunk, self._answers(chunk))
        except (SQLAlchemyError, NotReady, SpoolFull) as trouble:
            log.warning("chunk_put_off", job=job_id, chunk=number, reason=f"{type(trouble).__name__}: {trouble}")
            self._put_off(chunk, chunk.attempts - 1)
        except Exception as error:
            log.exception("chunk_failed", job=job_id, chunk=number, attempts=chunk.attempts)
            self._failed(chunk, type(error).__name__)
        return None

    def _claimed(self, job_id: str, number: int) -> Chunk | None:
        now = self.clock.now()
        with self.engine.begin() as connection:
            return scoring_store.claim(connection, job_id, number, now, now + CLAIM)

    def _answers(self, chunk: Chunk) -> list[dict[str, Any]]:
        """An answer for each row, or what is wrong with it."""
        cells = Cells(**chunk.customers)
        asked = _questions(chunk.job_id, cells, self.live.current())
        fit = [each for each in asked if isinstance(each, Question)]
        self.customers.look_up([each.client_id for each in fit])
        answers = iter(self.predictions.answer_many(fit, chunk.job_id) if fit else [])
        return [each if isinstance(each, dict) else next(answers).as_dict() for each in asked]

    def _keep(self, chunk: Chunk, answers: Sequence[dict[str, Any]]) -> int | None:
        refused = sum("error" in answer for answer in answers)
        with self.engine.begin() as connection:
            scoring_store.keep(connection, chunk, answers, refused, self.clock.now())
            return scoring_store.next_chunk(connection, chunk.job_id)

    def _put_off(self, chunk: Chunk, attempts: int) -> None:
        with self.engine.begin() as connection:
            scoring_store.put_off(connection, chunk, self.clock.now() + PAUSE, attempts)

    def _failed(self, chunk: Chunk, reason: str) -> None:
        if chunk.attempts < MOST_ATTEMPTS:
            return self._put_off(chunk, chunk.attempts)
        return self._end(chunk, FAILURE, reason=reason)

    def _end(self, chunk: Chunk, why: str, **facts: Any) -> None:
        """The job fails, and its author is told why."""
        first = Cells(**chunk.customers).first
        told = why.format(first=first, last=first + chunk.rows - 1, **facts)
        with self.engine.begin() as connection:
            scoring_store.turn(connection, chunk.job_id, [RUNNING], FAILED, self.clock.now(), told)


def prediction_id(job_id: str, row: int) -> str:
    """The same for the same row of the same file, whoever scores it and how often."""
    return str(uuid5(UUID(job_id), str(row)))


def _questions(job_id: str, cells: Cells, snapshot: Snapshot) -> list[Question | dict[str, Any]]:
    bodies = enumerate(cells.bodies(snapshot.serving.schema), start=cells.first)
    return [_question(job_id, row, body, snapshot) for row, body in bodies]


def _question(job_id: str, row: int, body: dict[str, Any], snapshot: Snapshot) -> Question | dict[str, Any]:
    try:
        asked = question({**body, "reasons": REASONS}, snapshot)
    except Unfit as error:
        return {CLIENT_ID: body.get(CLIENT_ID), "error": f"row {row}: {error}"}
    return asked._replace(prediction_id=prediction_id(job_id, row))
