"""GET /assignments/{client_id}: which arm a client is in, without enrolling it."""

from collections.abc import Mapping
from typing import Any

from apiflask import APIBlueprint
from flask import Response

from endpoints.client_paths import checked_client_id, take_any_text
from endpoints.edge import json_response, wiring
from endpoints.operations import READ_ERRORS, Operation, described, in_path
from endpoints.tokens import require_token
from services.assignments import Assignment, assignment
from services.client_id import ClientId

assignments = APIBlueprint("assignments", __name__, tag="Assignments")
assignments.record_once(take_any_text)
OPERATIONS: Mapping[str, Operation] = {
    "assignment": Operation("Assignment", READ_ERRORS, scope="read", path=(in_path("client_id", described(ClientId)),))
}
SCHEMAS: Mapping[str, Any] = {"Assignment": described(Assignment)}


@assignments.get("/assignments/<any_text:client_id>")
@assignments.doc(operation_id="assignment")
def tell_assignment(client_id: str) -> Response:
    """Which arm and model a client would meet now, and in which experiment. Asking enrols nobody and is not logged."""
    require_token("read")
    return json_response(assignment(wiring().snapshot(), checked_client_id(client_id)).as_dict())
