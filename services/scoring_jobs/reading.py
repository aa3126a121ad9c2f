"""What is known of files that are scored: how far they are, how long it will take, and their answers."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Engine

from data import scoring_store
from data.scoring_store import RUNNING, Job
from helpers.clock import Clock

MOST_LISTED = 50
PACED_BY = 20  # chunks
SILENCE = timedelta(seconds=20)  # without a chunk done: nobody seems to be at it


@dataclass(frozen=True, slots=True)
class Progress:
    """A file and the seconds until it is scored, None where that cannot be told. `waits`: no worker has come yet, or
    none for a while."""

    job: Job
    seconds_left: float | None = None
    waits: bool = False


def progress(engine: Engine, clock: Clock, job: Job) -> Progress:
    with engine.connect() as connection:
        return _progress(connection, clock, job)


def listing(engine: Engine, clock: Clock, author: str) -> list[Progress]:
    """This person's newest files, newest first."""
    with engine.connect() as connection:
        return [_progress(connection, clock, job) for job in scoring_store.of_author(connection, author, MOST_LISTED)]


def answers(engine: Engine, job_id: str) -> Iterator[dict[str, Any]]:
    """The answer or the error of each row that is done, in the order of the file; one chunk in memory at a time."""
    with engine.connect() as connection:
        numbers = scoring_store.done_chunks(connection, job_id)
    for number in numbers:
        with engine.connect() as connection:
            found = scoring_store.answers(connection, job_id, number)
        yield from found


def _progress(connection: Connection, clock: Clock, job: Job) -> Progress:
    if job.state != RUNNING:
        return Progress(job)
    done = scoring_store.pace(connection, job.job_id, PACED_BY)
    last = done[0][1] if done else job.created_at
    if clock.now() - last > SILENCE:
        return Progress(job, waits=True)
    if len(done) < 2 or (seconds := (last - done[-1][1]).total_seconds()) <= 0:
        return Progress(job)
    rate = sum(rows for rows, _at in done[:-1]) / seconds
    return Progress(job, (job.rows - job.done) / rate)
