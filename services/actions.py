"""What was done to clients: told once or many times, early or late."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

import structlog
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Engine

from data import action_store, prediction_log
from data.action_store import Action
from helpers.canonical import digest
from helpers.clock import Clock
from services.client_id import PRINTABLE, ClientId
from services.instants import Instant
from services.outcomes import PredictionId

log = structlog.get_logger()
Kind = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$",
        description="What was done: lower-case letters, digits, _ and -, at most 40.",
        examples=["call", "discount_20"],
    ),
]
Actor = Annotated[
    str, Field(min_length=1, max_length=100, pattern=PRINTABLE, description="Who did it.", examples=["Mia"])
]

Status = Literal["recorded", "known", "refused"]
ANOTHER_CLIENTS = "is the prediction of another client: name one of this client's, or none"


class Deed(BaseModel):
    """Something done to a client by somebody at an instant, perhaps because of a prediction."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    client_id: ClientId
    kind: Kind
    at: Instant
    by: Actor
    prediction_id: PredictionId | None = None

    @property
    def action_id(self) -> str:
        """The identity of what is told, so that telling it again adds nothing."""
        at = self.at.astimezone(UTC).isoformat(timespec="microseconds")
        return digest({**self.model_dump(exclude={"at"}), "at": at})


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one telling: `known` when it had been told before, `refused` when it names the prediction of
    another client."""

    action_id: str
    status: Status


def record(engine: Engine, clock: Clock, deeds: Sequence[Deed]) -> list[Receipt]:
    """Keeps the deeds, durably before this returns, and gives a receipt for each, in order.

    Told again, they change nothing. A prediction that the ledger does not have yet may be anybody's: the deed is kept
    until `settle` knows better. Raises SQLAlchemyError; then nothing is certain, and they may be told again.
    """
    now = clock.now()
    named = [deed.prediction_id for deed in deeds if deed.prediction_id]
    with engine.begin() as connection:
        clients = prediction_log.clients_of(connection, named)
        own = [deed for deed in deeds if clients.get(deed.prediction_id or "", deed.client_id) == deed.client_id]
        rows = {deed.action_id: _row(deed, now) for deed in own}
        new = action_store.add_many(connection, rows.values())
    kept = rows.keys() - settle(engine, named)
    return [Receipt(each, _status(each, kept, new)) for each in (deed.action_id for deed in deeds)]


def settle(engine: Engine, prediction_ids: Iterable[str]) -> set[str]:
    """Takes out the deeds that name one of these predictions and turn out to be another client's, and gives their ids.

    Called after the commit of deeds, and after the commit of ledger rows, as outcomes are. Who dies before the look
    leaves a deed that takes up no call of a day.
    """
    with engine.connect() as connection:
        found = action_store.contradicted(connection, prediction_ids)
    if found:
        with engine.begin() as connection:
            action_store.refuse(connection, found)
    for each in found:
        log.warning(action_store.REFUSED, action_id=each.action_id, reason=f"prediction_id {ANOTHER_CLIENTS}")
    return {each.action_id for each in found}


def _row(deed: Deed, now: datetime) -> Action:
    return Action(deed.action_id, deed.client_id, deed.kind, deed.at, deed.by, deed.prediction_id, recorded_at=now)


def _status(action_id: str, kept: Collection[str], new: set[str]) -> Status:
    """A deed that comes twice in one call is new once."""
    if action_id not in kept:
        return "refused"
    if action_id not in new:
        return "known"
    new.remove(action_id)
    return "recorded"
