"""The `outcomes`: what became of clients, one row for each thing told. Corrections are further rows.

A report that names a prediction counts for that prediction's client. As long as the ledger does not have the
prediction, the report waits: its `client_id` is None.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, update

from data import audit_log
from data.dialect import chunks, insert_new
from data.tables import model_logs, outcomes
from helpers.canonical import digest

IDS_A_QUERY = 1_000
REFUSED = "outcome_refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """That a client had churned, or had not, at `observed_at`; `source` says how it was told."""

    outcome_id: str
    client_id: str | None
    prediction_id: str | None
    churned: bool
    observed_at: datetime
    recorded_at: datetime
    source: str


@dataclass(frozen=True, slots=True)
class Arrived:
    """A waiting report whose prediction, of the client `client_id`, is in the ledger by now.

    `agrees`: it named that client, or none.
    """

    report: Outcome
    client_id: str
    agrees: bool


def outcome_id(client_id: str | None, prediction_id: str | None, churned: bool, observed_at: datetime) -> str:
    """The identity of what is told, so that telling it again adds nothing."""
    told = {"client_id": client_id, "prediction_id": prediction_id, "churned": churned}
    return digest({**told, "observed_at": observed_at.astimezone(UTC).isoformat(timespec="microseconds")})


def add_many(connection: Connection, rows: Iterable[Outcome]) -> set[str]:
    """Adds the outcomes whose `outcome_id` is new, and gives these ids."""
    return insert_new(connection, outcomes, [{name: getattr(row, name) for name in Outcome.__slots__} for row in rows])


def of_client(connection: Connection, client_id: str, limit: int) -> list[Outcome]:
    """What was told of a client, the newest observation first; of one instant, what was told last first."""
    order = (_C.observed_at.desc(), _C.recorded_at.desc(), _C.outcome_id)
    wanted = select(outcomes).where(_C.client_id == client_id).order_by(*order).limit(limit)
    return [Outcome(**row) for row in connection.execute(wanted).mappings()]


def arrived(connection: Connection, prediction_ids: Iterable[str]) -> list[Arrived]:
    """The waiting reports on these predictions that wait no longer. Reads only."""
    found: list[Arrived] = []
    for some in chunks(dict.fromkeys(prediction_ids), IDS_A_QUERY):
        found += map(_judged, connection.execute(_WAITING_FOR, {"predictions": some}).mappings())
    return found


def all_arrived(connection: Connection) -> list[Arrived]:
    """Every waiting report that waits no longer. Reads only, but looks each waiting report up in the ledger."""
    return list(map(_judged, connection.execute(_WAITING).mappings()))


def settle(connection: Connection, found: Iterable[Arrived]) -> None:
    """Gives each report its client. One that named another is moved to the audit log: had it come after its
    prediction, it would not have been taken."""
    for each in sorted(found, key=lambda each: each.report.outcome_id):
        own = (_C.outcome_id == each.report.outcome_id, _C.client_id.is_(None))
        if each.agrees:
            connection.execute(update(outcomes).where(*own).values(client_id=each.client_id))
        elif connection.execute(delete(outcomes).where(*own)).rowcount:
            _note(connection, each.report)


def _judged(row: Mapping[Any, Any]) -> Arrived:
    """A waiting report's client is not kept, but its identity tells whether it named this one."""
    client_id = row["arrived"]
    report = Outcome(**{name: row[name] for name in Outcome.__slots__})
    told = (report.prediction_id, report.churned, report.observed_at)
    possible = {outcome_id(named, *told) for named in (None, client_id)}
    return Arrived(report, client_id, report.outcome_id in possible)


def _note(connection: Connection, report: Outcome) -> None:
    told = {"outcome_id": report.outcome_id, "churned": report.churned, "observed_at": report.observed_at.isoformat()}
    audit_log.append(connection, report.recorded_at, report.source, REFUSED, report.prediction_id or "", told)


_C = outcomes.c
_WAITING = (
    select(outcomes, model_logs.c.client_id.label("arrived"))
    .join(model_logs, model_logs.c.prediction_id == _C.prediction_id)
    .where(_C.client_id.is_(None))
)
_WAITING_FOR = _WAITING.where(_C.prediction_id.in_(bindparam("predictions", expanding=True)))
