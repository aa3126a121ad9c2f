"""One row of the ledger, and its form as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from operator import itemgetter
from typing import Any


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
    cells = list(_CELLS(record))
    cells[_ANSWERED_AT] = datetime.fromisoformat(cells[_ANSWERED_AT])
    return LedgerRow(*cells)


def age(row: LedgerRow) -> tuple[datetime, str]:
    """By this rows are older or newer: one order for all, even for answers of the same instant."""
    return row.answered_at, row.prediction_id


_CELLS = itemgetter(*COLUMNS)
_ANSWERED_AT = COLUMNS.index("answered_at")
