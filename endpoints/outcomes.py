"""POST /outcomes: what became of clients."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from apiflask import APIBlueprint
from flask import Response

from endpoints.edge import wiring
from endpoints.events import Refusal, schemas, tell
from endpoints.operations import BODY_ERRORS, Operation, object_of
from services.outcomes import ANOTHER_CLIENT, Report, record

outcomes = APIBlueprint("outcomes", __name__, tag="Outcomes")
SOURCE = "api"
_RECEIPT = {
    **object_of(
        {
            "outcome_id": {"type": "string", "description": "The identity of what was told; equal for equal reports."},
            "status": {
                "enum": ["recorded", "known", "waiting"],
                "description": "`known`: told before, nothing changed. `waiting`: kept, and counts as soon as the"
                " prediction that it names has reached the ledger.",
            },
        }
    ),
    "additionalProperties": False,
}
OPERATIONS: Mapping[str, Operation] = {
    "outcomes": Operation("OutcomeAnswer", BODY_ERRORS, "OutcomeRequest", scope="outcomes"),
}
SCHEMAS: Mapping[str, Any] = schemas("Outcome", Report, _RECEIPT)


@outcomes.post("/outcomes")
@outcomes.doc(operation_id="outcomes")
def tell_outcomes() -> Response:
    """Tell whether a client, or up to 1,000, churned. Telling again changes nothing; a correction is told as new."""
    return tell(Report, _record)


def _record(reports: Sequence[Report]) -> list[Mapping[str, Any] | Refusal]:
    receipts = record(wiring().engine, wiring().clock, reports, SOURCE)
    return [Refusal("client_id", ANOTHER_CLIENT) if each.status == "refused" else asdict(each) for each in receipts]
