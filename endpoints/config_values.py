"""/v1/config: the configuration for programs, read and changed as a whole."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.exc import SQLAlchemyError

from data.config_change_store import Change
from endpoints.edge import json_response, wiring
from endpoints.from_database import from_database
from endpoints.operations import BODY_ERRORS, READ_ERRORS, Operation, body_of, described, object_of, query
from endpoints.problems import Problem, field_problem, validation_problem
from endpoints.tokens import body_with_token, caller, require_token
from services.config.current import Current
from services.config.history import Revision
from services.config.lifecycle import NothingChanges
from services.config.model import KEYS, ConfigRefused

AWAY = "the configuration is kept in the database, which does not answer now; try again"
MOST, USUAL = 1_000, 100


class Wanted(BaseModel):
    """What is to change, and why."""

    model_config = ConfigDict(extra="forbid", strict=True)

    values: dict[str, Any] = Field(
        description="Values by key, as JSON or as the text that the table would hold.",
        json_schema_extra={"propertyNames": {"enum": list(KEYS)}},
    )
    reason: str = Field(
        min_length=1, description="Why; it is kept with the change.", json_schema_extra={"pattern": r"\S"}
    )
    dry_run: bool = Field(False, description="Check and rehearse only; nothing is written.")


class Changed(BaseModel):
    """What became of the change, and what its rehearsal showed."""

    state: str = Field(
        description="`promoted` or `kept`: in force, watched or not. `rehearsed`: a second person must approve it."
        " `dry_run`: nothing was written. `unchanged`: all of it was in force already."
    )
    change: int | None = Field(description="The number of the change.")
    revision: int | None = Field(description="The config revision that put it into force.")
    rehearsal: dict[str, Any] | None
    staging: dict[str, Any] | None


config_values = APIBlueprint("config_values", __name__, tag="Configuration")
_LIMIT = query(
    "limit",
    {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL},
    "How many revisions, the newest first.",
)
_WRITE = Operation("ConfigChanged", BODY_ERRORS, "ConfigWanted", scope="config:write", also=(202,))
OPERATIONS: Mapping[str, Operation] = {
    "config_values": Operation("ConfigValues", READ_ERRORS, scope="config:read"),
    "config_history": Operation("ConfigHistory", READ_ERRORS, scope="config:read", query=(_LIMIT,)),
    "config_change": _WRITE,
}
_CURRENT, _REVISION = described(Current), described(Revision)
SCHEMAS: Mapping[str, Any] = {
    **_CURRENT.pop("$defs"),
    **_REVISION.pop("$defs"),
    "ConfigValues": _CURRENT,
    "ConfigHistory": object_of({"revisions": {"type": "array", "items": _REVISION}}),
    "ConfigWanted": body_of(described(Wanted)),
    "ConfigChanged": described(Changed),
}


@config_values.get("/v1/config")
@config_values.doc(operation_id="config_values")
def read_values() -> Response:
    """Every value in force, the revision of the table, and which values are defaults."""
    require_token("config:read")
    return json_response(asdict(from_database(wiring().config_changes.current, AWAY)))


@config_values.get("/v1/config/history")
@config_values.doc(operation_id="config_history")
def read_history() -> Response:
    """The revisions: who changed what, when and why. Rows that somebody typed have the author SQL."""
    require_token("config:read")
    limit = _limit(request.args.get("limit", str(USUAL)))
    found = from_database(lambda: wiring().config_changes.history(limit), AWAY)
    return json_response({"revisions": [asdict(each) for each in found]})


@config_values.post("/v1/config")
@config_values.doc(operation_id="config_change")
def change_values() -> Response:
    """Change values together: checked as a whole, rehearsed on golden customers, tried on staging where there is one,
    then put into force. 202 when somebody else must approve the change first."""
    body = body_with_token("config:write")
    try:
        wanted = Wanted.model_validate(body)
    except ValidationError as error:
        raise validation_problem(error) from None
    try:
        return _changed(wanted)
    except ConfigRefused as refused:
        raise _problem(refused) from None
    except SQLAlchemyError as error:
        raise Problem(503, AWAY, headers={"Retry-After": "5"}) from error


def _changed(wanted: Wanted) -> Response:
    changes = wiring().config_changes
    try:
        if wanted.dry_run:
            return _told("dry_run", rehearsal=changes.preview(wanted.values).report)
        return _of_change(changes.set_now(wanted.values, caller().actor, wanted.reason))
    except NothingChanges:
        return _told("unchanged")


def _of_change(change: Change) -> Response:
    facts = {"change": change.id, "revision": change.revision, "staging": change.staging}
    return _told(change.state, 202 if change.open else 200, rehearsal=change.rehearsal, **facts)


def _told(state: str, status: int = 200, **facts: Any) -> Response:
    blank = {"change": None, "revision": None, "rehearsal": None, "staging": None}
    return json_response({"state": state, **blank, **facts}, status)


def _problem(refused: ConfigRefused) -> Problem:
    errors = [{"field": f"values.{key}", "message": text} for key, text in refused.problems.items()]
    return Problem(422, str(refused), errors)


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= MOST):
        raise field_problem("limit", f"must be a whole number from 1 to {MOST}")
    return int(text)
