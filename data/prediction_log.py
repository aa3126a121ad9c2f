"""The ledger `model_logs`: one row per answered prediction, and beside it each client's newest row."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from data.dialect import insert_absent, upsert_newest
from data.tables import HOLDOUT_ARM, client_latest, model_logs


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One answer: probabilities in [0, 1], money in the table's currency, `response_time` in seconds.

    In the holdout `prediction`, `high_risk` and `money_at_risk` are None, and the score is among `silent_scores`.
    """

    prediction_id: str
    client_id: str
    answered_at: datetime
    arm: str
    model: str
    model_version: str
    config_revision: int
    experiment: str | None
    prediction: float | None
    high_risk: bool | None
    cutoff: float
    ltv: float | None
    money_at_risk: float | None
    recent_times_id_seen: int | None
    input: dict[str, Any]
    output: dict[str, Any]
    silent_scores: dict[str, float | None]
    request_id: str | None
    response_time: float


COLUMNS = tuple(field.name for field in fields(LedgerRow))


def read_record(record: Mapping[str, Any]) -> LedgerRow:
    """A row from JSON: its columns, the time as ISO 8601 with a zone; more keys are passed over.

    Raises KeyError for a missing column, ValueError for a bad time.
    """
    columns = {name: record[name] for name in COLUMNS}
    return LedgerRow(**{**columns, "answered_at": datetime.fromisoformat(record["answered_at"])})


def append_many(connection: Connection, rows: Iterable[LedgerRow]) -> int:
    """Appends the rows whose `prediction_id` is new and gives their number. The order of calls does not matter."""
    given = list(rows)
    added = insert_absent(connection, model_logs, [_columns(row) for row in given])
    latest_by_client = {row.client_id: _latest(row) for row in sorted(given, key=_age)}
    upsert_newest(
        connection,
        client_latest,
        latest_by_client.values(),
        client_latest.c.answered_at,
        client_latest.c.prediction_id,
    )
    return added


def find(connection: Connection, prediction_id: str) -> LedgerRow | None:
    row = connection.execute(_SELECT.where(model_logs.c.prediction_id == prediction_id)).mappings().first()
    return LedgerRow(**row) if row else None


def latest(connection: Connection, client_id: str, limit: int) -> list[LedgerRow]:
    """A client's newest rows, newest first."""
    order = (model_logs.c.answered_at.desc(), model_logs.c.prediction_id.desc())
    wanted = _SELECT.where(model_logs.c.client_id == client_id).order_by(*order).limit(limit)
    return [LedgerRow(**row) for row in connection.execute(wanted).mappings()]


def riskiest(connection: Connection, limit: int) -> list[LedgerRow]:
    """The newest row of the clients with the most money at risk, then (also where no lifetime value is known)
    the highest prediction. A client whose newest row is in the holdout is not among them: it must not be contacted.
    """
    top = (
        select(client_latest.c.prediction_id)
        .where(client_latest.c.prediction.is_not(None))
        .order_by(*_by_risk(client_latest.c))
        .limit(limit)
        .subquery()
    )
    wanted = _SELECT.join(top, top.c.prediction_id == model_logs.c.prediction_id).order_by(*_by_risk(model_logs.c))
    return [LedgerRow(**row) for row in connection.execute(wanted).mappings()]


def _by_risk(columns: Any) -> tuple[Any, ...]:
    """Descending throughout, so that the index is read from its end; both databases put NULL last then."""
    return columns.money_at_risk.desc(), columns.prediction.desc(), columns.client_id.desc()


def _columns(row: LedgerRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in COLUMNS}


def _age(row: LedgerRow) -> tuple[datetime, str]:
    return row.answered_at, row.prediction_id


def _latest(row: LedgerRow) -> dict[str, Any]:
    shown = row.arm != HOLDOUT_ARM
    return {
        "client_id": row.client_id,
        "prediction_id": row.prediction_id,
        "answered_at": row.answered_at,
        "prediction": row.prediction if shown else None,
        "money_at_risk": row.money_at_risk if shown else None,
    }


_SELECT = select(model_logs)
