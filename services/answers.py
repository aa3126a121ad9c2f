"""What is asked and what is answered, and how an answer is written into the ledger."""

from collections.abc import Mapping
from operator import itemgetter
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


class Answer(NamedTuple):
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
        return self._asdict()


class LedgerStamp(NamedTuple):
    """What the ledger keeps beside the answer itself. `answered_at` is spelled as ISO 8601."""

    answered_at: str
    experiment: str | None
    cutoff: float
    input: Mapping[str, Any]
    silent_scores: Mapping[str, float | None]
    request_id: str | None
    recipients: tuple[str, ...] = ()


def ledger_record(answer: Answer, stamp: LedgerStamp) -> dict[str, Any]:
    """The outbox record of an answer: the columns of `model_logs`, and the mail that is due."""
    record: dict[str, Any] = dict(zip(_COLUMNS, _VALUES(answer), strict=True))
    record["high_risk"] = None if answer.high_risk is None else answer.high_risk == "yes"
    record["answered_at"] = stamp.answered_at
    record["experiment"] = stamp.experiment
    record["cutoff"] = stamp.cutoff
    record["input"] = stamp.input
    record["output"] = answer.as_dict()
    record["silent_scores"] = stamp.silent_scores
    record["request_id"] = stamp.request_id
    if stamp.recipients:
        record["email"] = {"recipients": stamp.recipients}
    return record


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
_VALUES = itemgetter(*map(Answer._fields.index, _COLUMNS))
