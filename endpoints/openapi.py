"""The OpenAPI 3.1 document: fixed calls, and the request schema of the models now in service."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from apiflask import APIFlask
from flask import Flask
from pydantic import BaseModel, Field, TypeAdapter

from endpoints.edge import wiring
from endpoints.problems import MEDIA_TYPE
from endpoints.questions import KEY, MOST_REASONS, Envelope
from services.answers import Answer
from services.config_refresh import Refreshed

_REF = "#/components/schemas/{model}"
_ERRORS = {
    400: "The body cannot be read.",
    401: "No access token.",
    403: "Not this access token.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "A field is not usable; the document names it.",
    500: "Something broke; nothing was scored.",
    503: "Nothing can be predicted or recorded now; try again.",
}
_BODY_ERRORS = (400, 401, 403, 413, 415, 422, 500, 503)


class ProblemDocument(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    field: str | None = Field(None, description="The first field at fault.")
    errors: list[dict[str, str]] = Field([], description="Every field at fault, with what is wrong.")
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """`answer` is a schema's name, or None for text; `body` likewise, None where there is none."""

    answer: str | None
    errors: tuple[int, ...] = (500,)
    body: str | None = None
    token: bool = False
    also: tuple[int, ...] = ()


_OPERATIONS: Mapping[str, Operation] = {
    "predict": Operation("Answer", _BODY_ERRORS, "PredictRequest", token=True),
    "predict_batch": Operation("BatchAnswer", _BODY_ERRORS, "BatchRequest", token=True),
    "config_refresh": Operation("Refreshed", (400, 401, 403, 413, 415, 422, 500), token=True),
    "health": Operation("Status"),
    "ready": Operation("Readiness", also=(503,)),
    "startup": Operation("Status", also=(503,)),
    "metadata": Operation("Metadata", (500, 503)),
    "metrics": Operation(None, (401, 403, 500), token=True),
    "openapi": Operation("OpenApi"),
}


def document(app: Flask) -> dict[str, Any]:
    """The document of this moment; without a model in service the customer's fields are left open."""
    return cast("dict[str, Any]", cast("APIFlask", app).spec)


def describe(app: APIFlask) -> None:
    """Sets the description up on the application."""
    app.config["OPENAPI_VERSION"] = "3.1.0"
    app.security_schemes = {"token": {"type": "http", "scheme": "bearer"}}
    app.spec_processor(_complete)


def _complete(spec: Any) -> Any:
    spec["components"]["schemas"] = _schemas()
    for path, methods in list(spec["paths"].items()):
        for method, operation in methods.items():
            name = operation["operationId"]
            operation.update(_operation(_OPERATIONS[name], method), operationId=_unique_id(name, path, method))
    return spec


def _unique_id(operation_id: str, path: str, method: str) -> str:
    """One call may stand under two addresses or methods; each needs a name of its own."""
    suffix = "_v1" if path == "/v1/predict" else "_post" if path == "/config-refresh" and method == "post" else ""
    return operation_id + suffix


def _operation(known: Operation, method: str) -> dict[str, Any]:
    content = (
        {"application/json": {"schema": {"$ref": _REF.format(model=known.answer)}}}
        if known.answer
        else {"text/plain": {"schema": {"type": "string"}}}
    )
    answers = {str(status): {"description": "The answer.", "content": content} for status in (200, *known.also)}
    problem = {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}}
    errors = {str(each): {"description": _ERRORS[each], "content": problem} for each in known.errors}
    found: dict[str, Any] = {"responses": {**answers, **errors}}
    if known.token:
        found["security"] = [{"token": []}]
    if known.body and method == "post":
        schema = {"schema": {"$ref": _REF.format(model=known.body)}}
        found["requestBody"] = {"required": True, "content": {"application/json": schema}}
    if known.body == "PredictRequest":
        limits = {"type": "integer", "minimum": 0, "maximum": MOST_REASONS, "default": 0}
        found["parameters"] = [{"name": "reasons", "in": "query", "schema": limits}]
    return found


def _schemas() -> dict[str, Any]:
    request = _request_schema()
    key = KEY.json_schema()
    instance = _with(request, {"key": key}, ["key"])
    answer = _schema(Answer)
    error = {"key": {"type": ["string", "integer", "null"]}, "error": {"$ref": _REF.format(model="Problem")}}
    row = {
        "oneOf": [
            _with(answer, {"key": key}, ["key"]),
            {"type": "object", "properties": error, "required": ["error"]},
        ]
    }
    return {
        "PredictRequest": _with(request, {"token": {"type": "string"}}, []),
        "Answer": answer,
        "BatchRequest": _object({"instances": {"type": "array", "minItems": 1, "maxItems": 1000, "items": instance}}),
        "BatchAnswer": _object({"answers": {"type": "array", "items": row}}),
        "Refreshed": _schema(Refreshed),
        "Readiness": _object({"status": {"type": "string"}, "config_revision": {}, "degraded": {"type": "object"}}),
        "Status": _object({"status": {"type": "string"}}),
        "Metadata": {"type": "object"},
        "OpenApi": {"type": "object"},
        "Problem": _schema(ProblemDocument),
    }


def _request_schema() -> dict[str, Any]:
    envelope = _schema(Envelope)
    if not wiring().live.ready:
        return {**envelope, "additionalProperties": True}
    serving = wiring().snapshot().serving
    customer = _schema(serving.input_model)
    if serving.schema.id:
        envelope["properties"]["client_id"]["description"] += f" It may be sent as {serving.schema.id} instead."
    merged = _with(customer, envelope["properties"], envelope["required"])
    examples = [{"client_id": "7590-VHVEG", **each} for each in customer.get("examples", [])]
    return {**merged, "title": "PredictRequest", "examples": examples}


def _with(schema: dict[str, Any], properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    merged = {**properties, **schema["properties"]}
    return {**schema, "properties": merged, "required": [*required, *schema.get("required", [])]}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _schema(model: Any) -> dict[str, Any]:
    return TypeAdapter(model).json_schema(ref_template=_REF, by_alias=True)
