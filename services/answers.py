"""What is asked and what is answered."""

from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, NamedTuple

from pydantic import BaseModel


class Question(NamedTuple):
    """One client to be scored. `data` is of the live input model; `reasons` is how many to give.

    `prediction_id` is the id that the answer is to have, where the same question may be asked again by somebody who
    cannot know whether it was answered: the ledger then keeps one of the answers."""

    client_id: str
    data: BaseModel
    reasons: int = 0
    prediction_id: str | None = None


@dataclass(slots=True)
class Answer:
    """One client's answer: `prediction` in [0, 1], money in the table's currency, time in seconds.

    `prediction_id` is empty for one that was only tried out."""

    prediction_id: str
    client_id: str
    prediction: float | None
    high_risk: str | None
    ltv: float | None
    money_at_risk: float | None
    recent_times_id_seen: int | None
    arm: str
    model: str
    model_version: str
    config_revision: int
    reasons: list[dict[str, Any]]
    warnings: list[dict[str, Any]]
    response_time: float

    def as_dict(self) -> dict[str, Any]:
        return dict(zip(_FIELDS, _VALUES(self), strict=True))


_FIELDS = tuple(each.name for each in fields(Answer))
_VALUES = attrgetter(*_FIELDS)
