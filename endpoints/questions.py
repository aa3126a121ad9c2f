"""From a JSON object to a Question, and what may be the key of one in a batch."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter

from endpoints.problems import Problem
from services.answers import Question
from services.client_id import LONGEST_ID, PRINTABLE
from services.questions import MOST_REASONS, Envelope, Unfit
from services.questions import question as read_question
from services.snapshot import Snapshot

__all__ = ["KEY", "LARGEST_KEY", "MOST_REASONS", "Envelope", "Key", "question"]

LARGEST_KEY = 2**53  # what every JSON reader keeps exact

Key = Annotated[
    Annotated[str, Field(min_length=1, max_length=LONGEST_ID, pattern=PRINTABLE)]
    | Annotated[int, Field(ge=-LARGEST_KEY, le=LARGEST_KEY)],
    Field(description="Names the row of a batch; no two rows have the same.", examples=["row 1", 2]),
]
KEY: TypeAdapter[str | int] = TypeAdapter(Key, config=ConfigDict(strict=True))


def question(body: dict[str, Any], snapshot: Snapshot, prefix: str = "") -> Question:
    """See `services.questions.question`. Raises Problem 422 naming the field."""
    try:
        return read_question(body, snapshot, prefix)
    except Unfit as error:
        raise Problem(422, str(error), error.errors) from None
