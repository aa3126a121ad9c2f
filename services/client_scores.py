"""Scores customers of the table by their ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from modeling.features import TableSchema
from services.answers import Answer, Question
from services.customers import CustomerService
from services.prediction import PredictionService
from services.snapshot import Serving

UNKNOWN = "unknown: the customer table has no such id"
UNFIT = "its row in the customer table does not fit the model"


@dataclass(frozen=True, slots=True)
class Unscored:
    """A client without an answer, and why in words."""

    client_id: str
    detail: str


@dataclass(frozen=True, slots=True)
class ClientScores:
    """Every client that was asked for is in one of the two."""

    answers: tuple[Answer, ...]
    unscored: tuple[Unscored, ...]


def score_clients(
    serving: Serving,
    customers: CustomerService,
    predictions: PredictionService,
    client_ids: Sequence[str],
    reasons: int,
    request_id: str | None,
) -> ClientScores:
    """The answers for the customers that the table has, in the order asked, each recorded like any other.

    Raises SQLAlchemyError when the table cannot be read, and what `answer_many` raises.
    """
    found = customers.find(client_ids)
    asked = [_question(serving, client_id, found.get(client_id), reasons) for client_id in client_ids]
    questions = [each for each in asked if isinstance(each, Question)]
    answers = predictions.answer_many(questions, request_id) if questions else []
    return ClientScores(tuple(answers), tuple(each for each in asked if isinstance(each, Unscored)))


def known_values(schema: TableSchema, customer: Mapping[str, Any]) -> dict[str, Any]:
    """What the table holds for the features of the schema; its other columns are left out."""
    return {name: customer[name] for name in schema.names if name in customer}


def _question(
    serving: Serving, client_id: str, customer: Mapping[str, Any] | None, reasons: int
) -> Question | Unscored:
    if customer is None:
        return Unscored(client_id, UNKNOWN)
    try:
        data = serving.input_model.model_validate(known_values(serving.schema, customer))
    except ValidationError as error:
        first = error.errors()[0]
        return Unscored(client_id, f"{UNFIT}: {first['loc'][0]}: {first['msg']}")
    return Question(client_id, data, reasons)
