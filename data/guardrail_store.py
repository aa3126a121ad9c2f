"""What the models did of late: the newest rows of the ledger, as few columns as guardrails need."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from data.tables import model_logs

MOST_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class RecentAnswer:
    """One answer; the fields are those of the ledger. `model` is `name@version`."""

    client_id: str
    answered_at: datetime
    experiment: str | None
    arm: str
    model: str
    prediction: float | None
    cutoff: float
    silent_scores: Mapping[str, float | None]
    seconds: float


def recent_answers(
    connection: Connection, since: datetime, limit: int = MOST_ROWS, until: datetime | None = None
) -> list[RecentAnswer]:
    """The newest `limit` answers since then, and before `until`, the newest first: found by the index, however large
    the ledger is."""
    newest = (
        select(_C.prediction_id)
        .where(_C.answered_at >= since, *([] if until is None else [_C.answered_at < until]))
        .order_by(_C.answered_at.desc(), _C.prediction_id.desc())
        .limit(limit)
        .subquery()
    )
    wanted = (
        select(*_WANTED)
        .join(newest, newest.c.prediction_id == _C.prediction_id)
        .order_by(_C.answered_at.desc(), _C.prediction_id.desc())
    )
    return [
        RecentAnswer(row.client_id, row.answered_at, row.experiment, row.arm, f"{row.model}@{row.model_version}",
                     row.prediction, row.cutoff, row.silent_scores, row.response_time)
        for row in connection.execute(wanted)
    ]  # fmt: skip


_C = model_logs.c
_WANTED = (
    _C.client_id,
    _C.answered_at,
    _C.experiment,
    _C.arm,
    _C.model,
    _C.model_version,
    _C.prediction,
    _C.cutoff,
    _C.silent_scores,
    _C.response_time,
)
