"""The OpenAPI 3.1 document: fixed calls, and the request schema of the models now in service."""

from collections.abc import Mapping
from typing import Any, cast

from apiflask import APIFlask
from flask import Flask
from pydantic import BaseModel, Field

from endpoints import actions, assignments, call_list, config_values, experiments, outcomes
from endpoints.edge import wiring
from endpoints.idempotency import PARAMETER
from endpoints.operations import BODY_ERRORS, ERRORS, REF, Operation, body_of, described, object_of, query
from endpoints.problems import MEDIA_TYPE
from endpoints.questions import KEY, MOST_REASONS, Envelope
from services.answers import Answer
from services.callers import SCOPES
from services.config.refresh import Refreshed


class ProblemDocument(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    field: str | None = Field(None, description="The first field at fault.")
    errors: list[dict[str, str]] = Field([], description="Every field at fault, with what is wrong.")
    request_id: str | None = None


_MODULES = (actions, assignments, call_list, config_values, experiments, outcomes)
_REASONS = query(
    "reasons",
    {"type": "integer", "minimum": 0, "maximum": MOST_REASONS, "default": 0},
    "How many reasons to give with the answer; the body's own wins.",
)
_TOKENS = (
    "An access token made on the Team page or by `./run.sh tokens add`, or a JSON Web Token signed by a JWT_KEYS key;"
    " in the header Authorization or, where the body is a JSON object, as its `token`. It must have the scope that the"
    f" call names. Scopes: {', '.join(SCOPES)}. ACCESS_TOKEN has every one."
)
_ONCE = (*BODY_ERRORS, 409)
_PROBLEM = {
    MEDIA_TYPE: {"schema": {"$ref": REF.format(model="Problem")}},
    "text/html": {"schema": {"type": "string", "description": "The same as a page, where Accept prefers one."}},
}
_OPERATIONS: Mapping[str, Operation] = {
    "predict": Operation("Answer", _ONCE, "PredictRequest", scope="predict", query=(_REASONS,), headers=(PARAMETER,)),
    "predict_batch": Operation("BatchAnswer", _ONCE, "BatchRequest", scope="predict", headers=(PARAMETER,)),
    "config_refresh": Operation("Refreshed", BODY_ERRORS, "TokenAlone", scope="config:write", bare=True),
    "health": Operation("Status"),
    "ready": Operation("Readiness", also=(503,)),
    "startup": Operation("Status", also=(503,)),
    "metadata": Operation("Metadata", (500, 503)),
    "metrics": Operation(None, (401, 403, 500, 503), scope="metrics", media=("text/plain",)),
    "openapi": Operation("OpenApi"),
    **{name: operation for module in _MODULES for name, operation in module.OPERATIONS.items()},
}


def document(app: Flask) -> dict[str, Any]:
    """The document of this moment; without a model in service the customer's fields are left open."""
    return cast("dict[str, Any]", cast("APIFlask", app).spec)


def describe(app: APIFlask) -> None:
    """Sets the description up on the application."""
    app.config["OPENAPI_VERSION"] = "3.1.0"
    app.security_schemes = {"token": {"type": "http", "scheme": "bearer", "description": _TOKENS}}
    app.spec_processor(_complete)


def _complete(spec: Any) -> Any:
    spec["components"]["schemas"] = _schemas()
    for path, methods in list(spec["paths"].items()):
        for method, operation in methods.items():
            name = operation["operationId"]
            operation.update(_operation(_OPERATIONS[name], method), operationId=_unique_id(name, path, method))
            one = _OPERATIONS[name]
            operation["parameters"] = [*one.path, *one.query, *one.headers]
    return spec


def _unique_id(operation_id: str, path: str, method: str) -> str:
    """One call may stand under two addresses or methods; each needs a name of its own."""
    suffix = "_v1" if path == "/v1/predict" else "_post" if path == "/config-refresh" and method == "post" else ""
    return operation_id + suffix


def _operation(known: Operation, method: str) -> dict[str, Any]:
    content = {media: {"schema": {"type": "string"}} for media in known.media}
    if known.answer:
        content["application/json"] = {"schema": {"$ref": REF.format(model=known.answer)}}
    answers = {str(status): {"description": "The answer.", "content": content} for status in (200, *known.also)}
    errors = {str(each): {"description": ERRORS[each], "content": _PROBLEM} for each in known.errors}
    found: dict[str, Any] = {"responses": {**answers, **errors}}
    if known.scope:
        found["security"] = [{"token": [known.scope]}]
    if known.body and method == "post":
        schema = {"schema": {"$ref": REF.format(model=known.body)}}
        found["requestBody"] = {"required": not known.bare, "content": {"application/json": schema}}
    return found


def _schemas() -> dict[str, Any]:
    request = _request_schema()
    key = KEY.json_schema()
    instance = _with(request, {"key": key}, ["key"])
    instances = {"type": "array", "minItems": 1, "maxItems": 1000, "items": instance}
    answer = described(Answer)
    error = {"key": {"type": ["string", "integer", "null"]}, "error": {"$ref": REF.format(model="Problem")}}
    row = {
        "oneOf": [
            _with(answer, {"key": key}, ["key"]),
            {"type": "object", "properties": error, "required": ["error"]},
        ]
    }
    return {
        "PredictRequest": body_of(request),
        "Answer": answer,
        "BatchRequest": body_of(object_of({"instances": instances})),
        "BatchAnswer": object_of({"answers": {"type": "array", "items": row}}),
        "Refreshed": described(Refreshed),
        "TokenAlone": body_of(object_of({})),
        "Readiness": object_of({"status": {"type": "string"}, "config_revision": {}, "degraded": {"type": "object"}}),
        "Status": object_of({"status": {"type": "string"}}),
        "Metadata": {"type": "object"},
        "OpenApi": {"type": "object"},
        "Problem": described(ProblemDocument),
        **{name: schema for module in _MODULES for name, schema in module.SCHEMAS.items()},
    }


def _request_schema() -> dict[str, Any]:
    envelope = described(Envelope)
    if not wiring().live.ready:
        return {**envelope, "additionalProperties": True}
    serving = wiring().snapshot().serving
    customer = described(serving.input_model)
    if serving.schema.id:
        envelope["properties"]["client_id"]["description"] += f" It may be sent as {serving.schema.id} instead."
    merged = _with(customer, envelope["properties"], envelope["required"])
    examples = [{"client_id": "7590-VHVEG", **each} for each in customer.get("examples", [])]
    return {**merged, "title": "PredictRequest", "examples": examples}


def _with(schema: dict[str, Any], properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    merged = {**properties, **schema["properties"]}
    return {**schema, "properties": merged, "required": [*required, *schema.get("required", [])]}
