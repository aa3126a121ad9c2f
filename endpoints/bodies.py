"""Reads a JSON body strictly: what Flask would let pass, a caller should hear about."""

import json
import re
from typing import Any

from flask import Request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from endpoints.problems import Problem, field_problem

BROKEN_OFF = "the body broke off, or its chunks are malformed"
_HALF_A_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")  # whole ones are spelled as two such halves


def read_object(request: Request) -> dict[str, Any]:
    """The JSON object in the body. Raises Problem: 415 for another content type, 413 for too much, 400
    for what is compressed, not UTF-8, not JSON or repeats a key, 422 for JSON that is no object or holds
    text that is not valid Unicode, naming where."""
    parsed = _read(request)
    if not isinstance(parsed, dict):
        raise _other_kind("object")
    return parsed


def read_object_or_array(request: Request) -> dict[str, Any] | list[Any]:
    """The JSON object or array in the body; see `read_object`."""
    parsed = _read(request)
    if not isinstance(parsed, dict | list):
        raise _other_kind("object or array")
    return parsed


def _read(request: Request) -> Any:
    if request.mimetype != "application/json":
        raise Problem(415, "send the body as Content-Type: application/json")
    if not _uncompressed(request):
        raise Problem(400, "Content-Encoding is not supported: send the body uncompressed")
    raw = whole(request)
    parsed = _parse(raw)
    if _HALF_A_CHARACTER.search(raw):
        _refuse_broken_text(parsed)
    return parsed


def is_plain_json(request: Request) -> bool:
    """Whether the body is said to be what the readers here take."""
    return request.mimetype == "application/json" and _uncompressed(request)


def _uncompressed(request: Request) -> bool:
    return request.content_encoding in (None, "", "identity")


def _other_kind(wanted: str) -> Problem:
    line = {"field": "body", "message": f"must be an {wanted}"}
    return Problem(422, f"the body must be a JSON {wanted}", [line])


def whole(request: Request, *, cache: bool = False) -> bytes:
    """The body, kept for the next reader when `cache` is set. Raises Problem 400 or 413; see `read_object`."""
    try:
        raw = request.get_data(cache=cache)
    except (OSError, ParseException, ClientDisconnected):
        raise Problem(400, BROKEN_OFF) from None
    limit = request.max_content_length
    # Werkzeug cuts a body that does not tell its length at the limit, without a word.
    if request.content_length is None and limit is not None and len(raw) >= limit:
        raise RequestEntityTooLarge
    return raw


def _parse(raw: bytes) -> Any:
    try:
        return json.loads(raw.decode("utf-8"), object_pairs_hook=_unique)
    except UnicodeDecodeError:
        raise Problem(400, "the body is not UTF-8") from None
    except RecursionError:
        raise Problem(400, "the body is nested too deeply") from None
    except ValueError as error:
        raise Problem(400, f"the body is not JSON: {error}") from None


def _refuse_broken_text(parsed: Any) -> None:
    """Half of a surrogate pair can be spelled in JSON, and then neither stored nor sent back."""
    todo: list[tuple[Any, Any]] = [((), parsed)]  # a place is (the place it lies in, its name there)
    while todo:
        place, value = todo.pop()
        if isinstance(value, dict):
            todo += [((place, name), part) for name, part in value.items()]
            todo += [((place, name), name) for name in value]
        elif isinstance(value, list):
            todo += [((place, position), part) for position, part in enumerate(value)]
        elif isinstance(value, str) and not _is_unicode(value):
            raise field_problem(_spelled(place), "must be valid Unicode; it holds half of a surrogate pair")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _spelled(place: Any) -> str:
    names: list[str] = []
    while place:
        place, name = place
        names.append(str(name).encode("utf-8", "backslashreplace").decode())
    return ".".join(reversed(names)) or "body"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key appears twice in one object")
    return found
