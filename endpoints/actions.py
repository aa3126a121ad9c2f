"""POST /actions: what was done to clients."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from apiflask import APIBlueprint
from flask import Response

from endpoints.edge import wiring
from endpoints.events import Refusal, schemas, tell
from endpoints.operations import BODY_ERRORS, Operation, object_of
from services.actions import ANOTHER_CLIENTS, Deed, Receipt, record
from services.call_list import held_out
from services.config.live import NotReady
from services.snapshot import Snapshot

actions = APIBlueprint("actions", __name__, tag="Actions")
_HOLDOUT = {
    "code": "holdout",
    "field": "client_id",
    "message": "the client is in the holdout, which is the measure of what treating saves: treat nobody in it",
}
_WARNING = object_of({name: {"type": "string"} for name in _HOLDOUT})
_RECEIPT = {
    **object_of(
        {
            "action_id": {"type": "string", "description": "The identity of what was told; equal for equal actions."},
            "status": {"enum": ["recorded", "known"], "description": "`known`: told before, nothing changed."},
            "warnings": {"type": "array", "items": _WARNING},
        }
    ),
    "additionalProperties": False,
}
OPERATIONS: Mapping[str, Operation] = {
    "actions": Operation("ActionAnswer", BODY_ERRORS, "ActionRequest", scope="outcomes"),
}
SCHEMAS: Mapping[str, Any] = schemas("Action", Deed, _RECEIPT)


@actions.post("/actions")
@actions.doc(operation_id="actions")
def tell_actions() -> Response:
    """Tell what was done to a client, or to up to 1,000. Telling again changes nothing."""
    return tell(Deed, _record)


def _record(deeds: Sequence[Deed]) -> list[Mapping[str, Any] | Refusal]:
    receipts = record(wiring().engine, wiring().clock, deeds)
    snapshot = _snapshot()
    return [_told(deed, receipt, snapshot) for deed, receipt in zip(deeds, receipts, strict=True)]


def _told(deed: Deed, receipt: Receipt, snapshot: Snapshot | None) -> Mapping[str, Any] | Refusal:
    if receipt.status == "refused":
        return Refusal("prediction_id", ANOTHER_CLIENTS)
    return {**asdict(receipt), "warnings": _warnings(snapshot, deed.client_id)}


def _snapshot() -> Snapshot | None:
    """What is in force, if anything is: what was done is recorded without a model as well."""
    try:
        return wiring().snapshot()
    except NotReady:
        return None


def _warnings(snapshot: Snapshot | None, client_id: str) -> list[dict[str, str]]:
    return [_HOLDOUT] if snapshot and held_out(snapshot, client_id) else []
