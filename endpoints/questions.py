"""From a JSON object to a Question: one client, checked field by field."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from endpoints.problems import field_problem, validation_problem
from services.answers import Question
from services.client_id import LONGEST_ID, PRINTABLE, ClientId
from services.snapshot import Snapshot

MOST_REASONS = 100
LARGEST_KEY = 2**53  # what every JSON reader keeps exact

Key = Annotated[
    Annotated[str, Field(min_length=1, max_length=LONGEST_ID, pattern=PRINTABLE)]
    | Annotated[int, Field(ge=-LARGEST_KEY, le=LARGEST_KEY)],
    Field(description="Names the row of a batch; no two rows have the same.", examples=["row 1", 2]),
]
KEY: TypeAdapter[str | int] = TypeAdapter(Key, config=ConfigDict(strict=True))


class Envelope(BaseModel):
    """What a request holds beside the customer's own fields."""

    model_config = ConfigDict(strict=True, extra="forbid")

    client_id: ClientId
    reasons: int = Field(0, ge=0, le=MOST_REASONS, description="How many reasons to give with the answer.")


def question(body: dict[str, Any], snapshot: Snapshot, prefix: str = "") -> Question:
    """The question that `body` asks. The id may also stand under the name of the table's id column, so
    that a row of the table can be posted as it is. Raises Problem 422 naming the field."""
    envelope_fields, customer = _split(body, snapshot.serving.schema.id, prefix)
    try:
        envelope = Envelope(**envelope_fields)
        data = snapshot.serving.input_model.model_validate(customer)
    except ValidationError as error:
        raise validation_problem(error, prefix) from None
    return Question(envelope.client_id, data, envelope.reasons)


def _split(body: dict[str, Any], id_column: str, prefix: str) -> tuple[dict[str, Any], dict[str, Any]]:
    customer = dict(body)
    envelope = {name: customer.pop(name) for name in Envelope.model_fields if name in customer}
    if id_column and id_column in customer:
        if "client_id" in envelope:
            raise field_problem(prefix + id_column, "repeats client_id; send one of the two")
        envelope["client_id"] = customer.pop(id_column)
    return envelope, customer
