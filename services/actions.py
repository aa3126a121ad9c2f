"""What was done to clients: told once or many times, early or late."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Engine

from data import action_store
from data.action_store import Action
from helpers.canonical import digest
from helpers.clock import Clock
from services.client_id import PRINTABLE, ClientId
from services.instants import Instant
from services.outcomes import PredictionId

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
    """What became of one telling: `known` when it had been told before."""

    action_id: str
    status: Literal["recorded", "known"]


def record(engine: Engine, clock: Clock, deeds: Sequence[Deed]) -> list[Receipt]:
    """Keeps the deeds, durably before this returns, and gives a receipt for each, in order.

    Told again, they change nothing. Raises SQLAlchemyError; then nothing is certain, and they may be told again.
    """
    now = clock.now()
    ids = [deed.action_id for deed in deeds]
    rows = [
        Action(own, deed.client_id, deed.kind, deed.at, deed.by, deed.prediction_id, recorded_at=now)
        for own, deed in zip(ids, deeds, strict=True)
    ]
    with engine.begin() as connection:
        new = action_store.add_many(connection, rows)
    return [Receipt(own, _status(own, new)) for own in ids]


def _status(action_id: str, new: set[str]) -> Literal["recorded", "known"]:
    """A deed that comes twice in one call is new once."""
    if action_id not in new:
        return "known"
    new.remove(action_id)
    return "recorded"
