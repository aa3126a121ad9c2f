"""Single clients of an experiment and reports on them, as rows."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, Table, insert

from data.tables import actions, exposure_scores, exposures, outcomes
from helpers.ids import new_id

FIRST_AT = datetime(2026, 9, 10, 15, 30, 0, 123456, tzinfo=UTC)
MATURITY_DAYS = 30
CLOSES = FIRST_AT + timedelta(days=MATURITY_DAYS)
EXPERIMENT = "autumn offers / 2026"


def met(client_id: str = "anna", **changes: Any) -> dict[str, Any]:
    """A client of the champion at FIRST_AT."""
    whole = {
        "experiment": EXPERIMENT,
        "client_id": client_id,
        "first_at": FIRST_AT,
        "prediction_id": f"first-of-{client_id}",
        "arm": "champion",
        "model": "additive@1",
        "score": 0.25,
        "ltv": 100.0,
    }
    return {**whole, **changes}


def scored(client_id: str = "anna", **changes: Any) -> dict[str, Any]:
    """What the rule said silently at the client's first answer."""
    kept = {name: met(client_id)[name] for name in ("experiment", "client_id", "first_at", "prediction_id")}
    return {**kept, "model": "heuristic@1", "score": 0.5, **changes}


def told(churned: bool, at: datetime, client_id: str | None = "anna", **changes: Any) -> dict[str, Any]:
    whole = {
        "outcome_id": new_id(),
        "client_id": client_id,
        "prediction_id": None,
        "churned": churned,
        "observed_at": at,
        "recorded_at": at,
        "source": "test",
    }
    return {**whole, **changes}


def done(client_id: str, at: datetime) -> dict[str, Any]:
    """A call to the client."""
    facts = {"kind": "call", "actor": "test", "prediction_id": None, "recorded_at": at}
    return {"action_id": new_id(), "client_id": client_id, "at": at, **facts}


def put(
    engine: Engine,
    *,
    clients: list[dict[str, Any]] | None = None,
    silent: list[dict[str, Any]] | None = None,
    reports: list[dict[str, Any]] | None = None,
    deeds: list[dict[str, Any]] | None = None,
) -> None:
    """Writes the rows in the order given."""
    given: list[tuple[Table, list[dict[str, Any]] | None]] = [
        (exposures, clients),
        (exposure_scores, silent),
        (outcomes, reports),
        (actions, deeds),
    ]
    with engine.begin() as connection:
        for table, rows in given:
            if rows:
                connection.execute(insert(table), rows)


def crowd(arm: str, clients: int, churned: int = 0, **changes: Any) -> dict[str, list[dict[str, Any]]]:
    """So many clients of an arm, the first `churned` of whom are reported as having left: what `put` takes."""
    names = [f"{arm} {number}" for number in range(clients)]
    people = [met(name, arm=arm, **changes) for name in names]
    first_at = changes.get("first_at", FIRST_AT)
    return {"clients": people, "reports": [told(True, first_at, name) for name in names[:churned]]}


def together(*crowds: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    return {kind: [row for each in crowds for row in each[kind]] for kind in ("clients", "reports")}
