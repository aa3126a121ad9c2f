"""What the monitoring page asks the database: the newest answers, messages that wait, and clients left untreated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, select

from data.expressions import days_after
from data.readout_store import Bin, Question, Served
from data.readout_tallies import count, told
from data.tables import actions, exposures, model_logs, notifications

MOST_COUNTED = 10_000
FAILED_DAYS = 7


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer: what was known of the client, and the score of every model that gave one."""

    client_id: str
    answered_at: datetime
    input: Mapping[str, Any]
    scores: Mapping[str, float | None]
    seconds: float


@dataclass(frozen=True, slots=True)
class Backlog:
    """A channel's messages: those that wait, of which the `oldest` is due since then, and those given up in the last
    `FAILED_DAYS` days, the first at `failed_since`. At most `MOST_COUNTED` are counted."""

    channel: str
    waiting: int
    oldest: datetime | None
    failed: int
    failed_since: datetime | None


def newest_answers(connection: Connection, since: datetime, limit: int) -> list[Seen]:
    """The newest `limit` answers since then, newest first: found by the index, however large the ledger is."""
    order = (_L.answered_at.desc(), _L.prediction_id.desc())
    newest = select(_L.prediction_id).where(_L.answered_at >= since).order_by(*order).limit(limit).subquery()
    columns = (_L.client_id, _L.answered_at, _L.arm, _L.model, _L.model_version, _L.prediction, _L.silent_scores)
    wanted = select(*columns, _L.input, _L.response_time).join(newest, newest.c.prediction_id == _L.prediction_id)
    return [
        Seen(row.client_id, row.answered_at, row.input, _scores(row), row.response_time)
        for row in connection.execute(wanted.order_by(*order))
    ]


def backlog(connection: Connection, channel: str, now: datetime) -> Backlog:
    """How a channel's messages stand."""
    mine = and_(_N.channel == channel, _N.sent_at.is_(None))
    waiting, oldest = _few(connection, _N.created_at, mine, _N.failed_at.is_(None))
    failed, since = _few(connection, _N.failed_at, mine, _N.failed_at >= now - timedelta(days=FAILED_DAYS))
    return Backlog(channel, waiting, oldest, failed, since)


def untreated(connection: Connection, question: Question, served: Served, limit: int) -> list[Bin]:
    """The scores of the newest `limit` clients of `served` whose window is closed and to whom nothing was done in it;
    all of them count as closed."""
    cutoff = _nth_newest(connection, question, served, limit)
    within = (
        _E.arm == served.arm,
        _E.model == served.model,
        _E.first_at <= question.closed_until,
        _E.score.is_not(None),
    )
    recent = () if cutoff is None else (_E.first_at > cutoff,)
    alone = ~exists().where(
        actions.c.client_id == _E.client_id,
        actions.c.at >= _E.first_at,
        actions.c.at <= days_after(_E.first_at, question.maturity_days),
    )
    found = count(connection, question, (), only=(*within, *recent, alone))
    return list(told(question, (), [found]).bins)


def _nth_newest(connection: Connection, question: Question, served: Served, limit: int) -> datetime | None:
    within = (_E.experiment == question.experiment, _E.arm == served.arm, _E.model == served.model)
    newest = select(_E.first_at).where(*within, _E.first_at <= question.closed_until).order_by(_E.first_at.desc())
    return connection.scalar(newest.offset(limit).limit(1))


def _few(connection: Connection, at: Any, *conditions: ColumnElement[bool]) -> tuple[int, datetime | None]:
    oldest: Sequence[datetime] = list(
        connection.scalars(select(at).where(*conditions).order_by(at).limit(MOST_COUNTED))
    )
    return len(oldest), oldest[0] if oldest else None


def _scores(row: Any) -> dict[str, float | None]:
    """A holdout's own score is among the silent ones."""
    return {
        **row.silent_scores,
        **({} if row.prediction is None else {f"{row.model}@{row.model_version}": row.prediction}),
    }


_L, _N, _E = model_logs.c, notifications.c, exposures.c
