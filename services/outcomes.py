"""What became of clients: told early or late, of a client or of a prediction, perhaps more than once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

import structlog
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from sqlalchemy import Engine

from data import outcome_store, prediction_log
from data.outcome_store import Arrived, Outcome
from helpers.clock import Clock
from services.client_id import ClientId
from services.instants import Instant

log = structlog.get_logger()
ANOTHER_CLIENT = "is not the client of that prediction"
PredictionId = Annotated[
    str,
    Field(
        pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
        description="The `prediction_id` of an answer.",
        examples=["01a200ee-5625-73c4-a783-2333b7824225"],
    ),
]
Status = Literal["recorded", "known", "waiting", "refused"]
_NAMED: list[JsonValue] = [
    {"required": ["prediction_id"], "properties": {"prediction_id": {"type": "string"}}},
    {"required": ["client_id"], "properties": {"client_id": {"type": "string"}}},
]


class Report(BaseModel):
    """That a client had churned, or was still there, at an instant. It is told of a prediction, a client, or both."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, json_schema_extra={"anyOf": _NAMED})

    prediction_id: PredictionId | None = None
    client_id: ClientId | None = Field(None, validate_default=True)
    churned: bool
    observed_at: Instant

    @field_validator("client_id")
    @classmethod
    def tells_of_somebody(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("prediction_id", "") is None:
            raise PydanticCustomError("nobody", "is needed where no prediction_id is given")
        return value

    @property
    def outcome_id(self) -> str:
        return outcome_store.outcome_id(self.client_id, self.prediction_id, self.churned, self.observed_at)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one report. `waiting`: it counts as soon as the ledger has the prediction that it names.
    `refused`: it names another client than that prediction, and is not kept."""

    outcome_id: str
    status: Status


def record(engine: Engine, clock: Clock, reports: Sequence[Report], source: str) -> list[Receipt]:
    """Keeps the reports, durably before this returns, and gives a receipt for each, in order.

    Told again, they change nothing. Raises SQLAlchemyError; then nothing is certain, and they may be told again.
    """
    predictions = [report.prediction_id for report in reports if report.prediction_id]
    now = clock.now()
    with engine.begin() as connection:
        clients = prediction_log.clients_of(connection, predictions)
        rows = [_row(report, clients, now, source) for report in reports]
        new = outcome_store.add_many(connection, [row for row in rows if row is not None])
    settled = settle(engine, predictions)
    fresh = {row.outcome_id: row for row in rows if row is not None and row.outcome_id in new}
    return [_receipt(report.outcome_id, row, fresh, settled) for report, row in zip(reports, rows, strict=True)]


def settle(engine: Engine, prediction_ids: Iterable[str]) -> dict[str, bool]:
    """Gives the reports that wait for these predictions their clients; whether each agreed with that.

    Called after the commit of reports, and after the commit of ledger rows. Whichever of the two commits comes last,
    who made it looks afterwards and finds what the other left: so no report waits for a prediction that is there.
    """
    with engine.connect() as connection:
        found = outcome_store.arrived(connection, prediction_ids)
    return _settled(engine, found)


def settle_all(engine: Engine) -> int:
    """Settles whatever waits no longer, and gives the number of these reports: those that were left by whoever died
    between a commit and the look after it. Raises SQLAlchemyError."""
    with engine.connect() as connection:
        found = outcome_store.all_arrived(connection)
    return len(_settled(engine, found))


def _settled(engine: Engine, found: Sequence[Arrived]) -> dict[str, bool]:
    if found:
        with engine.begin() as connection:
            outcome_store.settle(connection, found)
    for each in found:
        if not each.agrees:
            reason = f"client_id {ANOTHER_CLIENT}"
            log.warning(outcome_store.REFUSED, outcome_id=each.report.outcome_id, reason=reason)
    return {each.report.outcome_id: each.agrees for each in found}


def _row(report: Report, clients: Mapping[str, str], now: datetime, source: str) -> Outcome | None:
    """The row to keep; None for a report that contradicts the ledger."""
    known = clients.get(report.prediction_id or "")
    if known and report.client_id and report.client_id != known:
        return None
    client_id = known if report.prediction_id else report.client_id
    told = (report.prediction_id, report.churned, report.observed_at)
    return Outcome(report.outcome_id, client_id, *told, recorded_at=now, source=source)


def _receipt(outcome_id: str, row: Outcome | None, fresh: dict[str, Outcome], settled: Mapping[str, bool]) -> Receipt:
    """A report that comes twice in one call is new once: the first receipt takes it out of `fresh`."""
    if row is None or settled.get(outcome_id) is False:
        return Receipt(outcome_id, "refused")
    if fresh.pop(outcome_id, None) is None:
        return Receipt(outcome_id, "known")
    return Receipt(outcome_id, "recorded" if row.client_id or outcome_id in settled else "waiting")
