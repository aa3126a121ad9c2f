"""How a call is described: what each endpoint module says of its own calls in `OPERATIONS` and `SCHEMAS`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from services.callers import Scope

REF = "#/components/schemas/{model}"
ERRORS = {
    400: "The body cannot be read.",
    401: "No access token, or one that has expired or was signed otherwise than it should be.",
    403: "Not this access token, or it lacks the scope of the call; the header WWW-Authenticate names that.",
    404: "There is no such thing.",
    409: "The question that came with this Idempotency-Key is being answered; send it again.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "A field is not usable; the document names it.",
    500: "Something broke; nothing was scored.",
    503: "Nothing can be predicted, recorded or read now; try again.",
}
BODY_ERRORS = (400, 401, 403, 413, 415, 422, 500, 503)
READ_ERRORS = (401, 403, 422, 500, 503)


@dataclass(frozen=True, slots=True)
class Operation:
    """`answer` and `body` are names of schemas, None where there is none as JSON; `media` is what the answer may
    come as besides. `scope` is what the access token must allow, None where none is asked for. `query` lists the
    parameters of the address line, `path` those of its path and `headers` those beside it, `also` what else may answer
    than 200. `bare`: it may come without its body."""

    answer: str | None
    errors: tuple[int, ...] = (500,)
    body: str | None = None
    scope: Scope | None = None
    also: tuple[int, ...] = ()
    query: tuple[Mapping[str, Any], ...] = ()
    media: tuple[str, ...] = ()
    headers: tuple[Mapping[str, Any], ...] = ()
    bare: bool = False
    path: tuple[Mapping[str, Any], ...] = ()


def query(name: str, schema: Mapping[str, Any], description: str) -> dict[str, Any]:
    """An optional parameter of the address line."""
    return {"name": name, "in": "query", "schema": dict(schema), "description": description}


def header(name: str, schema: Mapping[str, Any], description: str) -> dict[str, Any]:
    """An optional header."""
    return {"name": name, "in": "header", "schema": dict(schema), "description": description}


def in_path(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """A part of the address's path."""
    return {"name": name, "in": "path", "required": True, "schema": dict(schema)}


def described(model: Any) -> dict[str, Any]:
    """The JSON schema of a dataclass or pydantic model."""
    return TypeAdapter(model).json_schema(ref_template=REF, by_alias=True)


def object_of(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of an object that has all of these."""
    return {"type": "object", "properties": dict(properties), "required": list(properties)}


def body_of(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a body that may hold the access token beside what `schema` lists, and nothing else unless that
    says so."""
    properties = {**schema["properties"], "token": {"type": "string"}}
    return {"additionalProperties": False, **schema, "properties": properties}
