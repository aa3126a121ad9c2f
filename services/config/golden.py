"""Golden customers: the clients on whom a change to the configuration is rehearsed."""

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection

from data.golden_store import golden_customers
from services.answers import Question
from services.client_scores import known_values
from services.snapshot import Serving

MOST, TYPICAL = 500, "typical customer"


@dataclass(frozen=True, slots=True)
class Golden:
    """A client with the values that the customer table has of it."""

    client_id: str
    features: dict[str, Any]


def golden(connection: Connection, serving: Serving) -> list[Golden]:
    """At most `MOST` customers, those answered last first, and one with the typical values of the schema."""
    typical = Golden(TYPICAL, {feature.name: feature.default for feature in serving.schema.features})
    return [typical, *(Golden(*found) for found in golden_customers(connection, MOST).items())]


def question(serving: Serving, customer: Golden) -> Question | None:
    """What would be asked for the customer; None where its stored values do not fit the champion."""
    try:
        data = serving.input_model.model_validate(known_values(serving.schema, customer.features))
    except ValidationError:
        return None
    return Question(customer.client_id, data)
