"""POST /predict and its batch form."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response, g, request

from endpoints.batches import Row, flat_instances, rows_one_by_one, rows_together
from endpoints.bodies import is_plain_json, whole
from endpoints.edge import json_response, wiring
from endpoints.idempotency import idempotent, named
from endpoints.problems import Problem, field_problem
from endpoints.questions import MOST_REASONS, question
from endpoints.quick_predict import FAILED
from endpoints.tokens import bearer, body_with_token, require_token
from services.answers import Question

predict = APIBlueprint("predict", __name__, tag="Predict")


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
def predict_batch() -> Response:
    """Score up to 1,000 customers; each has a key by which its answer or its error is found."""
    rows = _rows()
    asked = named([row for _, row in rows if isinstance(row, Question)])
    answers = iter(wiring().predictions.answer_many(asked, g.request_id) if asked else [])
    return json_response({"answers": [_keyed(key, row, answers) for key, row in rows]})


def _reasons_in_query() -> int:
    text = request.args.get("reasons", "0")
    if not (text.isascii() and text.isdigit() and int(text) <= MOST_REASONS):
        raise field_problem("reasons", f"must be a whole number from 0 to {MOST_REASONS}")
    return int(text)


def _rows() -> list[Row]:
    rows = _rows_together() if bearer(request) is not None and is_plain_json(request) else None
    if rows is None:
        body = body_with_token("predict")
        snapshot = wiring().live.current()
        rows = rows_one_by_one(body, snapshot)
    return rows


def _rows_together() -> list[Row] | None:
    require_token("predict")
    instances = flat_instances(whole(request, cache=True))  # the strict reader may read it again
    return None if instances is None else rows_together(instances, wiring().live.current())


def _keyed(key: Any, row: Question | Problem, answers: Any) -> dict[str, Any]:
    if isinstance(row, Problem):
        return {"key": key, "error": row.document()}
    return {"key": key, **next(answers).as_dict()}
