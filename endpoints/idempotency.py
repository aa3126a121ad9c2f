"""The header Idempotency-Key: whoever sends the same again, not knowing whether it was answered, gets the same answer.

After draft-ietf-httpapi-idempotency-key-header: 400 for a key that is none, 422 for one that came with something else,
409 while its answer is being made. The key may also stand without the quotation marks that the draft asks for.
"""

import re
from collections.abc import Callable, Sequence
from functools import wraps

from flask import Response, g, request

from endpoints.bodies import whole
from endpoints.edge import wiring
from endpoints.operations import header
from endpoints.problems import Problem, field_problem
from endpoints.tokens import body_with_token, caller
from services.answers import Question
from services.idempotency import Attempt, OtherQuestion, StillAnswering

HEADER = "Idempotency-Key"
LONGEST = 255
RETRY_AFTER_SECONDS = "1"
_KEY = re.compile(
    rf'"((?:[ !#-\[\]-~]|\\["\\]){{1,{LONGEST}}})"|([!#-+\--:<-\[\]-~]{{1,{LONGEST}}})'  # in quotation marks, or bare
)
_RULE = f"must be 1 to {LONGEST} characters of printable ASCII in quotation marks"
PARAMETER = header(
    HEADER,
    {"type": "string", "pattern": f"^(?:{_KEY.pattern})$", "examples": ['"8e03978e-40d5-43dd-bc93-6894a57f9324"']},
    "A name that the caller chooses for this one question, best a UUID. Sent again with the same token, address line"
    " and body within an hour, it brings the answer that was given, byte for byte, and the ledger has it once.",
)


def idempotent(view: Callable[[], Response]) -> Callable[[], Response]:
    """A view that answers the same question once; as it was where the header is absent."""

    @wraps(view)
    def answered() -> Response:
        given = request.environ.get("HTTP_IDEMPOTENCY_KEY")
        return view() if given is None else _once(given, view)

    return answered


def named(questions: Sequence[Question]) -> Sequence[Question]:
    """The questions of this request, with the prediction ids that every try of it has."""
    attempt: Attempt | None = g.get("attempt")
    if attempt is None:
        return questions
    ids = attempt.prediction_ids([each.client_id for each in questions])
    return [each._replace(prediction_id=own) for each, own in zip(questions, ids, strict=True)]


def _once(given: str, view: Callable[[], Response]) -> Response:
    raw = whole(request, cache=True)  # the view reads it again
    body_with_token("predict")
    g.attempt = Attempt(caller().actor, _key(given), request.query_string + b"\n" + raw)
    answered = _begin(g.attempt)
    if answered is not None:
        return Response(answered, content_type="application/json")
    return _kept(g.attempt, view)


def _begin(attempt: Attempt) -> bytes | None:
    try:
        return wiring().idempotency.begin(attempt)
    except OtherQuestion:
        raise field_problem(HEADER, "came before with another body: give each question a key of its own") from None
    except StillAnswering:
        detail = "the question of this key is being answered: send it again for the answer"
        raise Problem(409, detail, headers={"Retry-After": RETRY_AFTER_SECONDS}) from None


def _kept(attempt: Attempt, view: Callable[[], Response]) -> Response:
    """The view's answer, kept. It raises what is no answer."""
    try:
        response = view()
    except BaseException:
        wiring().idempotency.abandon(attempt)
        raise
    response.set_data(wiring().idempotency.keep(attempt, response.get_data()))
    return response


def _key(given: str) -> str:
    found = _KEY.fullmatch(given)
    if found is None:
        raise field_problem(HEADER, _RULE, 400)
    return found[2] or re.sub(r"\\(.)", r"\1", found[1])
