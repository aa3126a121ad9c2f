"""GET /v1/call-list: whom to call today, for programs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

import orjson
from apiflask import APIBlueprint
from flask import Response, request

from endpoints.call_list_csv import file_lines
from endpoints.edge import wiring
from endpoints.from_database import from_database
from endpoints.operations import READ_ERRORS, Operation, described, object_of, query
from endpoints.problems import field_problem
from endpoints.streams import begun
from endpoints.tokens import require_token
from services.call_list import Entry, LeftOut, entries, left_out, today
from services.row_reasons import SHOWN

call_list = APIBlueprint("call_list", __name__, tag="Call list")
CSV, JSON = "text/csv", "application/json"
MOST = 100_000
AWAY = "the call list is in the database, which does not answer now; try again"

_FORMAT = query("format", {"enum": ["json", "csv"]}, "What to answer in; wins over the header Accept.")
_LIMIT = query(
    "limit",
    {"type": "integer", "minimum": 1, "maximum": MOST},
    "At most so many clients; never more than the calls that are left of today's capacity.",
)
_ENTRY = {
    "client_id": {"type": "string"},
    "prediction_id": {"type": "string", "description": "To be named by the action once the client is contacted."},
    "prediction": {"type": "number"},
    "money_at_risk": {"type": ["number", "null"]},
    "ltv": {"type": ["number", "null"]},
    "expected_saving": {
        "type": ["number", "null"],
        "description": "The money that contacting is expected to save; null unless the permanent holdout supports it.",
    },
    "scored_at": {"type": "string", "format": "date-time"},
    "model": {"type": "string"},
    "model_version": {"type": "string"},
    "reasons": {"type": "array", "items": {"type": "object"}},
    "reasons_missing": {"type": "string", "description": "Why there are no reasons; empty when there are."},
    "action": {"type": "string", "description": "The kind of action that is suggested."},
    "advice": {"type": "string"},
}
_LIST = {
    "as_of": {"type": "string", "format": "date-time"},
    "capacity": {"type": "integer"},
    "called": {"type": "integer", "description": "Clients contacted today (UTC) in answer to a prediction."},
    "left_out": described(LeftOut),
    "expected_saving_basis": {
        "type": "string",
        "description": "Why expected savings are given, or are not.",
    },
    "entries": {"type": "array", "items": object_of(_ENTRY)},
}
OPERATIONS: Mapping[str, Operation] = {
    "call_list": Operation("CallList", READ_ERRORS, scope="read", query=(_FORMAT, _LIMIT), media=(CSV,)),
}
SCHEMAS: Mapping[str, Any] = {"CallList": object_of(_LIST)}


@call_list.get("/v1/call-list")
@call_list.doc(operation_id="call_list")
def tell_call_list() -> Response:
    """Whom to call today, most money at risk first: what is left of the day's capacity. As JSON or as CSV."""
    require_token("read")
    media, limit = _media(), _limit()
    parts = from_database(lambda: _parts(media, limit), AWAY)
    return Response(parts, content_type=f"{CSV}; charset=utf-8" if media == CSV else JSON)


def _parts(media: str, limit: int) -> Iterator[bytes]:
    """The answer, in parts of one client each, as it is read."""
    wired = wiring()
    snapshot = wired.snapshot()
    day = today(wired.engine, wired.clock, snapshot)
    effect = wired.holdout_effect.current(snapshot.config)
    found = begun(entries(wired.engine, wired.registry, snapshot, effect, day, min(limit, day.left)))
    if media == CSV:
        return (line.encode() for line in file_lines(found))
    facts = {
        "as_of": day.as_of,
        "capacity": day.capacity,
        "called": day.called,
        "left_out": asdict(left_out(wired.engine, snapshot, day)),
        "expected_saving_basis": effect.sentence,
    }
    return _document(facts, found)


def _document(facts: Mapping[str, Any], found: Iterable[Entry]) -> Iterator[bytes]:
    """The list as JSON, of which no more than one entry is in memory."""
    yield orjson.dumps(facts)[:-1] + b',"entries":['
    for place, entry in enumerate(found):
        yield (b"," if place else b"") + orjson.dumps(_entry(entry))
    yield b"]}"


def _entry(entry: Entry) -> dict[str, Any]:
    row = entry.row
    return {
        "client_id": row.client_id,
        "prediction_id": row.prediction_id,
        "prediction": row.prediction,
        "money_at_risk": row.money_at_risk,
        "ltv": row.ltv,
        "expected_saving": entry.expected_saving,
        "scored_at": row.answered_at,
        "model": row.model,
        "model_version": row.model_version,
        "reasons": entry.reasons.found[:SHOWN],
        "reasons_missing": entry.reasons.missing,
        "action": entry.suggestion.kind,
        "advice": entry.suggestion.advice,
    }


def _media() -> str:
    """What is asked for by `?format=`, or else by the header Accept; JSON where neither says."""
    asked = request.args.get("format")
    if asked is not None:
        if asked not in ("json", "csv"):
            raise field_problem("format", "must be json or csv")
        return CSV if asked == "csv" else JSON
    return request.accept_mimetypes.best_match((JSON, CSV), JSON)


def _limit() -> int:
    text = request.args.get("limit", str(MOST))
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MOST)) and 1 <= int(text) <= MOST):
        raise field_problem("limit", f"must be a whole number from 1 to {MOST:,}")
    return int(text)
