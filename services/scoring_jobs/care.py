"""Keeps files going: wakes workers for what was forgotten, removes what is old, stops and goes on when told."""

from collections.abc import Sequence
from datetime import timedelta

import structlog
from sqlalchemy import Engine

from data import scoring_store
from data.queue import Queue, chunk_name
from data.scoring_store import FAILED, RECEIVING, RUNNING, STOPPED, Job
from helpers.clock import Clock
from helpers.errors import UserError
from helpers.failsoft import FailSoft
from services import audit

KEPT = timedelta(days=30)
LONGEST_UPLOAD = timedelta(hours=1)
BROKEN_OFF = "The upload broke off. Delete this file and upload it again."

log = structlog.get_logger()
_queue_guard = FailSoft("queue", failures=1, rest=10.0)


def wake(queue: Queue, job_id: str, number: int) -> None:
    """Has a worker look at the chunk; where the queue does not answer, the sweep will."""
    _queue_guard.call(lambda: queue.enqueue_chunk(job_id, number), default=None)


def sweep(engine: Engine, queue: Queue, clock: Clock) -> int:
    """Wakes a worker for each file that no job will come to; how many those were.

    Jobs are lost when Redis is emptied and when a worker dies. Raises SQLAlchemyError or redis.RedisError.
    """
    with engine.connect() as connection:
        due = {chunk_name(*chunk): chunk for chunk in scoring_store.due(connection, clock.now())}
    waiting = queue.waiting(due)
    forgotten = [chunk for name, chunk in due.items() if name not in waiting]
    for job_id, number in forgotten:
        queue.enqueue_chunk(job_id, number)
    if forgotten:
        log.info("chunks_swept", files=len(forgotten))
    return len(forgotten)


def tidy(engine: Engine, clock: Clock) -> int:
    """Removes the files that are older than `KEPT`, and ends uploads that broke off; how many were removed."""
    now = clock.now()
    with engine.connect() as connection:
        old = scoring_store.older(connection, now - KEPT)
        broken = scoring_store.older(connection, now - LONGEST_UPLOAD, RECEIVING)
    for job_id in old:
        with engine.begin() as connection:
            scoring_store.remove(connection, job_id)
    for job_id in broken:
        with engine.begin() as connection:
            scoring_store.turn(connection, job_id, [RECEIVING], FAILED, now, BROKEN_OFF)
    return len(old)


def mine(engine: Engine, job_id: str, author: str) -> Job | None:
    """The file, if there is one and it is this person's."""
    with engine.connect() as connection:
        job = scoring_store.find(connection, job_id)
    return job if job and job.author == author else None


def stop(engine: Engine, clock: Clock, job: Job) -> None:
    """The chunk in hand is finished, no other is begun."""
    _turn(engine, clock, job, [RUNNING], STOPPED)


def go_on(engine: Engine, clock: Clock, queue: Queue, job: Job) -> None:
    """Scores what is left of a file that was stopped or had failed. Raises UserError when not all of it arrived."""
    if job.error == BROKEN_OFF:
        raise UserError(BROKEN_OFF, "job_id")
    _turn(engine, clock, job, [STOPPED, FAILED], RUNNING)
    with engine.begin() as connection:
        scoring_store.forget_attempts(connection, job.job_id)
        number = scoring_store.next_chunk(connection, job.job_id)
    if number is not None:
        wake(queue, job.job_id, number)


def remove(engine: Engine, clock: Clock, job: Job) -> None:
    """Removes the file, rows and answers; what is in the ledger stays there."""
    with engine.begin() as connection:
        scoring_store.remove(connection, job.job_id)
        audit.note(connection, clock.now(), job.author, "file_deleted", job.job_id, file=job.file_name)


def _turn(engine: Engine, clock: Clock, job: Job, states: Sequence[str], state: str) -> None:
    """Where the job is in none of `states` any more, it is left as it is: two people, or two clicks."""
    with engine.begin() as connection:
        ended_at = None if state == RUNNING else clock.now()
        if scoring_store.turn(connection, job.job_id, states, state, ended_at):
            audit.note(connection, clock.now(), job.author, f"file_{state}", job.job_id, file=job.file_name)
