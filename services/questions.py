"""From a customer's fields to a Question: one client, checked field by field."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

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


_ENVELOPE = tuple(Envelope.model_fields)
_ENVELOPES = TypeAdapter(list[Envelope])


class Unfit(Exception):
    """What cannot be asked. `errors` has one {"field", "message"} for each field at fault."""

    def __init__(self, errors: Sequence[dict[str, str]]) -> None:
        super().__init__(in_one_line(errors))
        self.errors = list(errors)


def question(body: dict[str, Any], snapshot: Snapshot, prefix: str = "") -> Question:
    """The question that `body` asks. The id may also stand under the name of the table's id column, so
    that a row of the table can be given as it is. Raises Unfit, with `prefix` before the names of fields."""
    customer = dict(body)
    try:
        envelope = Envelope(**_taken_out(customer, snapshot.serving.schema.id, prefix))
        data = snapshot.serving.input_model.model_validate(customer)
    except ValidationError as error:
        raise Unfit(field_errors(error, prefix)) from None
    return Question(envelope.client_id, data, envelope.reasons)


def questions(bodies: Sequence[dict[str, Any]], snapshot: Snapshot) -> list[Question]:
    """The questions that the bodies ask, which are checked together and taken apart. Raises Unfit where any is at
    fault; `question` says of each how."""
    serving = snapshot.serving
    try:
        id_column = serving.schema.id
        envelopes = _ENVELOPES.validate_python([_taken_out(body, id_column, "") for body in bodies])
        customers = _many(serving.input_model).validate_python(bodies)
    except ValidationError as error:
        raise Unfit(field_errors(error)) from None
    pairs = zip(envelopes, customers, strict=True)
    return [Question(envelope.client_id, data, envelope.reasons) for envelope, data in pairs]


@lru_cache(maxsize=16)
def _many(model: type[BaseModel]) -> TypeAdapter[list[BaseModel]]:
    return TypeAdapter(list[model])  # type: ignore[valid-type]


def _taken_out(customer: dict[str, Any], id_column: str, prefix: str) -> dict[str, Any]:
    """What a body holds beside the customer's own fields, which are left."""
    envelope = {name: customer.pop(name) for name in _ENVELOPE if name in customer}
    if id_column and id_column in customer:
        if "client_id" in envelope:
            raise Unfit([{"field": prefix + id_column, "message": "repeats client_id; send one of the two"}])
        envelope["client_id"] = customer.pop(id_column)
    return envelope
