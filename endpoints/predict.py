"""POST /predict and its batch form."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response, g, request
from pydantic import ValidationError

from endpoints.edge import json_response, wiring
from endpoints.idempotency import idempotent, named
from endpoints.in_turn import in_turn
from endpoints.problems import Problem, field_problem
from endpoints.questions import KEY, LARGEST_KEY, MOST_REASONS, question
from endpoints.quick_predict import FAILED
from endpoints.tokens import body_with_token
from services.answers import Question
from services.client_id import LONGEST_ID
from services.snapshot import Snapshot

predict = APIBlueprint("predict", __name__, tag="Predict")
MOST_INSTANCES = 1_000
_KEY_RULE = (
    f"must be text of 1 to {LONGEST_ID} characters without control characters, or a whole number of at most"
    f" {LARGEST_KEY:,} either way"
)


@predict.post("/predict")
@predict.post("/v1/predict", endpoint="predict_v1")
@predict.doc(operation_id="predict")
@idempotent
def predict_one() -> Response:
    """Score one customer."""
    if FAILED in request.environ:
        raise request.environ[FAILED]
    body = body_with_token("predict")
    body.setdefault("reasons", _reasons_in_query())
    (asked,) = named([question(body, wiring().live.current())])
    return json_response(wiring().predictions.answer(asked, g.request_id).as_dict())


@predict.post("/v1/predict/batch")
@predict.doc(operation_id="predict_batch")
@idempotent
@in_turn
def predict_batch() -> Response:
    """Score up to 1,000 customers; each has a key by which its answer or its error is found."""
    body = body_with_token("predict")
    instances = _instances(body)
    snapshot = wiring().live.current()
    taken: set[Any] = set()
    rows = [_row(position, instance, snapshot, taken) for position, instance in enumerate(instances)]
    asked = named([row for _, row in rows if isinstance(row, Question)])
    answers = iter(wiring().predictions.answer_many(asked, g.request_id) if asked else [])
    return json_response({"answers": [_keyed(key, row, answers) for key, row in rows]})


def _reasons_in_query() -> int:
    text = request.args.get("reasons", "0")
    if not (text.isascii() and text.isdigit() and int(text) <= MOST_REASONS):
        raise field_problem("reasons", f"must be a whole number from 0 to {MOST_REASONS}")
    return int(text)


def _instances(body: dict[str, Any]) -> list[Any]:
    unknown = sorted(set(body) - {"instances"})
    if unknown:
        raise field_problem(unknown[0], "unknown field; a batch holds instances alone")
    instances = body.get("instances")
    if not isinstance(instances, list) or not 1 <= len(instances) <= MOST_INSTANCES:
        raise field_problem("instances", f"must be a list of 1 to {MOST_INSTANCES:,} customers")
    return instances


def _row(position: int, instance: Any, snapshot: Snapshot, taken: set[Any]) -> tuple[Any, Question | Problem]:
    """The row's key, and its question or what is wrong with it. The key joins those `taken`."""
    place = f"instances.{position}."
    if not isinstance(instance, dict):
        return None, field_problem(place.rstrip("."), "must be an object")
    try:
        key = KEY.validate_python(instance.get("key"))
    except ValidationError:
        return None, field_problem(f"{place}key", _KEY_RULE)
    if key in taken:
        return key, field_problem(f"{place}key", "is the key of an earlier row; each row needs its own")
    taken.add(key)
    try:
        return key, question({k: v for k, v in instance.items() if k != "key"}, snapshot, place)
    except Problem as problem:
        return key, problem


def _keyed(key: Any, row: Question | Problem, answers: Any) -> dict[str, Any]:
    if isinstance(row, Problem):
        return {"key": key, "error": row.document()}
    return {"key": key, **next(answers).as_dict()}
