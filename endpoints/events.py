"""What is told of clients, one thing a call or up to 1,000: each is checked, kept, and answered for by itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from flask import Response
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import SQLAlchemyError

from data.dropped import despite_drops
from endpoints.edge import json_response, wiring
from endpoints.errors import RETRY_AFTER_SECONDS
from endpoints.gate import Gate
from endpoints.operations import REF, body_of, described, object_of
from endpoints.problems import Problem, field_problem, validation_problem
from endpoints.tokens import object_or_array_with_token

log = structlog.get_logger()
MOST = 1_000
AWAY = "the database does not answer, so nothing is sure to be recorded: send it again; what is told twice counts once"
BUSY = "others are being recorded, so nothing of this was: send it again, in fewer calls at a time"
GATE = Gate(BUSY)  # a database that hangs must not hold the threads that predict
Told = TypeVar("Told", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something well-formed is not kept all the same."""

    field: str
    message: str


Record = Callable[[Sequence[Told]], Sequence[Mapping[str, Any] | Refusal]]


def tell(kind: type[Told], record: Record[Told]) -> Response:
    """Reads the body as one of `kind` or an array of them and has `record` keep the good ones, durably before it
    returns. One is answered by its result or its problem, an array by those of each row, in order."""
    body = object_or_array_with_token("outcomes")
    if isinstance(body, list):
        given = [(f"{place}.", each) for place, each in enumerate(_checked_size(body))]
        return json_response({"results": [_shown(each) for each in _results(kind, given, record)]})
    (only,) = _results(kind, [("", body)], record)
    if isinstance(only, Problem):
        raise only
    return json_response(only)


def schemas(name: str, kind: type[BaseModel], receipt: Mapping[str, Any]) -> dict[str, Any]:
    """How such a call is described: as NAME, NAMERequest, NAMEReceipt and NAMEAnswer."""
    told = described(kind)
    one, got = {"$ref": REF.format(model=name)}, {"$ref": REF.format(model=f"{name}Receipt")}
    row = {"oneOf": [got, object_of({"error": {"$ref": REF.format(model="Problem")}})]}
    return {
        name: told,
        f"{name}Request": {"oneOf": [body_of(told), {"type": "array", "items": one, "minItems": 1, "maxItems": MOST}]},
        f"{name}Receipt": receipt,
        f"{name}Answer": {"oneOf": [got, object_of({"results": {"type": "array", "items": row}})]},
    }


def _checked_size(rows: list[Any]) -> list[Any]:
    if not 1 <= len(rows) <= MOST:
        raise field_problem("body", f"must hold 1 to {MOST:,} rows")
    return rows


def _results(
    kind: type[Told], given: Sequence[tuple[str, Any]], record: Record[Told]
) -> list[Mapping[str, Any] | Problem]:
    rows = [(prefix, _read(kind, each, prefix)) for prefix, each in given]
    good = [row for _prefix, row in rows if not isinstance(row, Problem)]
    kept = iter(_kept(good, record))
    return [row if isinstance(row, Problem) else _result(next(kept), prefix) for prefix, row in rows]


def _read(kind: type[Told], given: Any, prefix: str) -> Told | Problem:
    if not isinstance(given, dict):
        return field_problem(prefix.rstrip("."), "must be an object")
    try:
        return kind.model_validate(given, context={"now": wiring().clock.now()})
    except ValidationError as error:
        return validation_problem(error, prefix)


def _kept(good: Sequence[Told], record: Record[Told]) -> Sequence[Mapping[str, Any] | Refusal]:
    if not good:
        return []
    try:
        with GATE.passed():
            return despite_drops(lambda: record(good))
    except SQLAlchemyError as error:
        log.warning("not_recorded", rows=len(good), error=type(error).__name__)
        raise Problem(503, AWAY, headers={"Retry-After": RETRY_AFTER_SECONDS}) from error


def _result(kept: Mapping[str, Any] | Refusal, prefix: str) -> Mapping[str, Any] | Problem:
    return field_problem(prefix + kept.field, kept.message) if isinstance(kept, Refusal) else kept


def _shown(result: Mapping[str, Any] | Problem) -> Mapping[str, Any]:
    return {"error": result.document()} if isinstance(result, Problem) else result
