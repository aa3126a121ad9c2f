"""From a customer's fields to a Question: one client, checked field by field."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from helpers.field_errors import field_errors, in_one_line
from services.answers import Question
from services.client_id import ClientId
from services.snapshot import Snapshot

MOST_REASONS = 100


def _whole(value: Any) -> Any:
    """JSON has one kind of number: 9.0 is 9."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class Envelope(BaseModel):
    """What is asked beside the customer's own fields."""

    model_config = ConfigDict(strict=True, extra="forbid")

    client_id: ClientId
    reasons: Annotated[int, BeforeValidator(_whole)] = Field(
        0, ge=0, le=MOST_REASONS, description="How many reasons to give with the answer."
    )


class Unfit(Exception):
    """What cannot be asked. `errors` has one {"field", "message"} for each field at fault."""

    def __init__(self, errors: Sequence[dict[str, str]]) -> None:
        super().__init__(in_one_line(errors))
        self.errors = list(errors)


def question(body: dict[str, Any], snapshot: Snapshot, prefix: str = "") -> Question:
    """The question that `body` asks. The id may also stand under the name of the table's id column, so
    that a row of the table can be given as it is. Raises Unfit, with `prefix` before the names of fields."""
    envelope_fields, customer = _split(body, snapshot.serving.schema.id, prefix)
    try:
        envelope = Envelope(**envelope_fields)
        data = snapshot.serving.input_model.model_validate(customer)
    except ValidationError as error:
        raise Unfit(field_errors(error, prefix)) from None
    return Question(envelope.client_id, data, envelope.reasons)


def _split(body: dict[str, Any], id_column: str, prefix: str) -> tuple[dict[str, Any], dict[str, Any]]:
    customer = dict(body)
    envelope = {name: customer.pop(name) for name in Envelope.model_fields if name in customer}
    if id_column and id_column in customer:
        if "client_id" in envelope:
            raise Unfit([{"field": prefix + id_column, "message": "repeats client_id; send one of the two"}])
        envelope["client_id"] = customer.pop(id_column)
    return envelope, customer
