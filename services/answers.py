"""What is asked and what is answered, and how an answer is written into the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from operator import attrgetter
from typing import Any

from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class Question:
    """One client to be scored. `data` is of the live input model; `reasons` is how many to give.

    `prediction_id` is the id that the answer is to have, where the same question may be asked again by somebody who
    cannot know whether it was answered: the ledger then keeps one of the answers."""

    client_id: str
    data: BaseModel
    reasons: int = 0
    prediction_id: str | None = None


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class LedgerStamp:
    """What the ledger keeps beside the answer itself."""

    answered_at: datetime
    experiment: str | None
    cutoff: float
    input: Mapping[str, Any]
    silent_scores: Mapping[str, float | None]
    request_id: str | None
    recipients: tuple[str, ...] = field(default=())


def ledger_record(answer: Answer, stamp: LedgerStamp) -> dict[str, Any]:
    """The outbox record of an answer: the columns of `model_logs`, and the mail that is due."""
    output = answer.as_dict()
    record = {
        **{name: output[name] for name in _COLUMNS},
        "high_risk": None if answer.high_risk is None else answer.high_risk == "yes",
        "answered_at": stamp.answered_at.isoformat(),
        "experiment": stamp.experiment,
        "cutoff": stamp.cutoff,
        "input": stamp.input,
        "output": output,
        "silent_scores": stamp.silent_scores,
        "request_id": stamp.request_id,
    }
    return {**record, "email": {"recipients": stamp.recipients}} if stamp.recipients else record


_COLUMNS = (
    "prediction_id",
    "client_id",
    "arm",
    "model",
    "model_version",
    "config_revision",
    "prediction",
    "ltv",
    "money_at_risk",
    "recent_times_id_seen",
    "response_time",
)
