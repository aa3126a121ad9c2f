"""Ledger rows and spool records as the service makes them."""

from datetime import UTC, datetime
from typing import Any

import orjson

from data.prediction_log import COLUMNS, LedgerRow
from helpers.ids import new_id

ANSWERED_AT = datetime(2026, 11, 22, 0, 30, 15, 123456, UTC)


def ledger_row(**given: Any) -> LedgerRow:
    columns: dict[str, Any] = {
        "prediction_id": new_id(),
        "client_id": "7590-VHVEG",
        "answered_at": ANSWERED_AT,
        "arm": "champion",
        "model": "additive",
        "model_version": "1",
        "config_revision": 17,
        "experiment": "first",
        "prediction": 0.6312,
        "high_risk": True,
        "cutoff": 0.5,
        "ltv": 1420.5,
        "money_at_risk": 896.62,
        "recent_times_id_seen": 3,
        "input": {"Contract": "Month-to-month", "tenure": 3},
        "output": {"reasons": []},
        "silent_scores": {"heuristic@1": 0.4},
        "request_id": "request-1",
        "response_time": 0.0018,
    }
    return LedgerRow(**{**columns, **given})


def spool_record(recipients: list[str] | None = None, **given: Any) -> bytes:
    """One record of the outbox, with mail due to `recipients`."""
    row = ledger_row(**given)
    record: dict[str, Any] = {name: getattr(row, name) for name in COLUMNS}
    if isinstance(row.answered_at, datetime):
        record["answered_at"] = row.answered_at.isoformat()
    return orjson.dumps({**record, "email": {"recipients": recipients}} if recipients else record)
