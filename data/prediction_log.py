"""The ledger `model_logs`: one row per answered prediction, and beside it each client's newest row and exposures."""

from collections.abc import Iterable
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, select

from data import contact_marks, exposures
from data.dialect import chunks, insert_or_hold, upsert_newest
from data.ledger_row import COLUMNS, LedgerRow, age, read_record
from data.tables import HOLDOUT_ARM, client_latest, model_logs

__all__ = ["COLUMNS", "LedgerRow", "append_many", "clients_of", "find", "latest", "read_record", "riskiest"]

IDS_A_QUERY = 1_000


def append_many(connection: Connection, rows: Iterable[LedgerRow]) -> None:
    """Appends the rows whose `prediction_id` is new. The order of calls does not matter."""
    given = list(rows)
    insert_or_hold(connection, model_logs, [_columns(row) for row in given])
    newest = {row.client_id: row for row in sorted(given, key=age)}
    upsert_newest(
        connection,
        client_latest,
        [_latest(row) for row in newest.values()],
        client_latest.c.answered_at,
        client_latest.c.prediction_id,
    )
    contact_marks.mark(connection, newest)
    exposures.keep(connection, given)


def find(connection: Connection, prediction_id: str) -> LedgerRow | None:
    row = connection.execute(_SELECT.where(model_logs.c.prediction_id == prediction_id)).mappings().first()
    return LedgerRow(**row) if row else None


def clients_of(connection: Connection, prediction_ids: Iterable[str]) -> dict[str, str]:
    """The client of each of these predictions that is in the ledger."""
    wanted = select(model_logs.c.prediction_id, model_logs.c.client_id)
    found: dict[str, str] = {}
    for some in chunks(dict.fromkeys(prediction_ids), IDS_A_QUERY):
        rows = connection.execute(wanted.where(model_logs.c.prediction_id.in_(some)))
        found.update((prediction_id, client_id) for prediction_id, client_id in rows)
    return found


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
    return dict(zip(COLUMNS, _CELLS(row), strict=True))


def _latest(row: LedgerRow) -> dict[str, Any]:
    shown = row.arm != HOLDOUT_ARM
    return {
        "client_id": row.client_id,
        "prediction_id": row.prediction_id,
        "answered_at": row.answered_at,
        "prediction": row.prediction if shown else None,
        "money_at_risk": row.money_at_risk if shown else None,
    }


_CELLS = attrgetter(*COLUMNS)
_SELECT = select(model_logs)
