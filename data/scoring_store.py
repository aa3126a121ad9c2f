"""Files of customers that are to be scored, and their rows in chunks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, func, or_, select, update

from data.tables import scoring_chunks, scoring_jobs

RECEIVING, RUNNING, DONE, STOPPED, FAILED = "receiving", "running", "done", "stopped", "failed"


@dataclass(frozen=True, slots=True)
class Job:
    """A file: of its `rows` so many are `done`, of these so many `refused`; no model reads its `unused` columns."""

    job_id: str
    created_at: datetime
    author: str
    file_name: str
    state: str
    rows: int
    unused: list[str]
    done: int = 0
    refused: int = 0
    error: str | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows of a file, as `services.scoring_jobs.cells.Cells` spells them, and how often scoring was begun."""

    job_id: str
    number: int
    rows: int
    attempts: int
    customers: dict[str, Any]


def add(connection: Connection, job: Job) -> None:
    values = {name: getattr(job, name) for name in job.__slots__}
    connection.execute(scoring_jobs.insert().values(values))


def add_chunk(connection: Connection, job_id: str, number: int, rows: int, customers: Mapping[str, Any]) -> None:
    values = {"job_id": job_id, "number": number, "rows": rows, "customers": dict(customers)}
    connection.execute(scoring_chunks.insert().values(values))


def find(connection: Connection, job_id: str) -> Job | None:
    row = connection.execute(select(scoring_jobs).where(_J.job_id == job_id)).mappings().first()
    return Job(**row) if row else None


def of_author(connection: Connection, author: str, limit: int) -> list[Job]:
    """The newest files of a person, newest first."""
    order = (_J.created_at.desc(), _J.job_id.desc())
    wanted = select(scoring_jobs).where(_J.author == author).order_by(*order).limit(limit)
    return [Job(**row) for row in connection.execute(wanted).mappings()]


def turn(
    connection: Connection,
    job_id: str,
    states: Sequence[str],
    state: str,
    ended_at: datetime | None = None,
    error: str | None = None,
) -> bool:
    """Whether the job was in one of `states`, and so is in `state` now."""
    values = {"state": state, "ended_at": ended_at, "error": error}
    wanted = update(scoring_jobs).where(_J.job_id == job_id, _J.state.in_(states)).values(values)
    return connection.execute(wanted).rowcount == 1


def remove(connection: Connection, job_id: str) -> None:
    connection.execute(delete(scoring_chunks).where(_C.job_id == job_id))
    connection.execute(delete(scoring_jobs).where(_J.job_id == job_id))


def older(connection: Connection, before: datetime, state: str | None = None) -> list[str]:
    """The files, in this state or in any, that came before."""
    wanted = select(_J.job_id).where(_J.created_at < before)
    return list(connection.scalars(wanted if state is None else wanted.where(_J.state == state)))


def due(connection: Connection, now: datetime) -> list[tuple[str, int]]:
    """The next chunk of each running job, where nobody is at it."""
    open_ones = _C.done_at.is_(None)
    first = select(_C.job_id, func.min(_C.number).label("number")).join(scoring_jobs, _J.job_id == _C.job_id)
    first_open = first.where(_J.state == RUNNING, open_ones).group_by(_C.job_id).subquery()
    same = and_(_C.job_id == first_open.c.job_id, _C.number == first_open.c.number)
    found = connection.execute(select(_C.job_id, _C.number).join(first_open, same).where(_free(now)))
    return [(job_id, number) for job_id, number in found]


def next_chunk(connection: Connection, job_id: str) -> int | None:
    """The first chunk that is not done."""
    wanted = select(func.min(_C.number)).where(_C.job_id == job_id, _C.done_at.is_(None))
    number: int | None = connection.scalar(wanted)
    return number


def claim(connection: Connection, job_id: str, number: int, now: datetime, until: datetime) -> Chunk | None:
    """The chunk, which is the caller's until then; None when it is done, in other hands, or not wanted any more."""
    running = select(_J.job_id).where(_J.job_id == job_id, _J.state == RUNNING).exists()
    wanted = update(scoring_chunks).where(_this(job_id, number), _C.done_at.is_(None), _free(now), running)
    taken = connection.execute(wanted.values(claimed_until=until, attempts=_C.attempts + 1)).rowcount
    if taken != 1:
        return None
    columns = (_C.job_id, _C.number, _C.rows, _C.attempts, _C.customers)
    row = connection.execute(select(*columns).where(_this(job_id, number))).mappings().one()
    return Chunk(**row)


def put_off(connection: Connection, chunk: Chunk, until: datetime, attempts: int) -> None:
    """Gives the claim up; nobody takes the chunk before then."""
    values = {"claimed_until": until, "attempts": attempts}
    connection.execute(update(scoring_chunks).where(_this(chunk.job_id, chunk.number)).values(values))


def forget_attempts(connection: Connection, job_id: str) -> None:
    """Chunks that are not done are tried afresh, and at once."""
    wanted = update(scoring_chunks).where(_C.job_id == job_id, _C.done_at.is_(None))
    connection.execute(wanted.values(attempts=0, claimed_until=None))


def keep(connection: Connection, chunk: Chunk, found: Sequence[Mapping[str, Any]], refused: int, at: datetime) -> None:
    """Keeps the answers, unless somebody else has done the chunk meanwhile; with its last chunk a job is done."""
    connection.execute(select(_J.job_id).where(_J.job_id == chunk.job_id).with_for_update())  # chunks come after it
    values = {"answers": list(found), "done_at": at, "claimed_until": None}
    this = update(scoring_chunks).where(_this(chunk.job_id, chunk.number), _C.done_at.is_(None))
    if connection.execute(this.values(values)).rowcount != 1:
        return
    counts = {"done": _J.done + chunk.rows, "refused": _J.refused + refused}
    connection.execute(update(scoring_jobs).where(_J.job_id == chunk.job_id).values(counts))
    if next_chunk(connection, chunk.job_id) is None:
        turn(connection, chunk.job_id, [RUNNING, STOPPED, FAILED], DONE, ended_at=at)


def done_chunks(connection: Connection, job_id: str) -> list[int]:
    wanted = select(_C.number).where(_C.job_id == job_id, _C.done_at.is_not(None))
    return list(connection.scalars(wanted.order_by(_C.number)))


def answers(connection: Connection, job_id: str, number: int) -> list[dict[str, Any]]:
    """One for each row of the chunk, in order; none when it is gone."""
    found = connection.scalar(select(_C.answers).where(_this(job_id, number)))
    return list(found or [])


def pace(connection: Connection, job_id: str, chunks: int) -> list[tuple[int, datetime]]:
    """The rows of the chunks that were done last, and when, newest first."""
    wanted = select(_C.rows, _C.done_at).where(_C.job_id == job_id, _C.done_at.is_not(None))
    found = connection.execute(wanted.order_by(_C.done_at.desc(), _C.number.desc()).limit(chunks))
    return [(rows, at) for rows, at in found]


def _this(job_id: str, number: int) -> ColumnElement[bool]:
    return and_(_C.job_id == job_id, _C.number == number)


def _free(now: datetime) -> ColumnElement[bool]:
    return or_(_C.claimed_until.is_(None), _C.claimed_until <= now)


_J, _C = scoring_jobs.c, scoring_chunks.c
