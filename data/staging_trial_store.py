"""The `staging_trials`: the trial under way on a staging deployment, and what staging is still to be given back."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select

from data.dialect import hold
from data.tables import staging_trials


@dataclass(frozen=True, slots=True)
class Owed:
    """A change that was sent to staging: the text of each key `sent`, the JSON value of each there `before`, and why.

    `landed` is the revision that it became there, None as long as staging did not say. `sent_at` in Unix seconds.
    """

    before: dict[str, Any]
    sent: dict[str, str]
    why: str
    sent_at: float
    landed: int | None = None


@dataclass(frozen=True, slots=True)
class StagingTrial:
    """A trial at a `place`. Nobody else may begin one there before `held_until`; then `owed` is the next one's to
    settle, None where there is nothing."""

    place: str
    holder: str
    begun_at: datetime
    held_until: datetime
    owed: Owed | None


def take_turn(connection: Connection) -> None:
    """Whoever writes waits for others who do, until they commit: so that what was read stays true."""
    hold(connection, "staging_trials")


def find(connection: Connection, place: str) -> StagingTrial | None:
    row = connection.execute(select(_TABLE).where(_TABLE.c.place == place)).mappings().first()
    if row is None:
        return None
    return StagingTrial(**{**row, "owed": Owed(**row["owed"]) if row["owed"] else None})


def put(connection: Connection, trial: StagingTrial) -> None:
    """Writes the trial, in place of what was there. To be called in turn."""
    remove(connection, trial.place)
    connection.execute(_TABLE.insert().values(asdict(trial)))


def remove(connection: Connection, place: str) -> None:
    connection.execute(delete(_TABLE).where(_TABLE.c.place == place))


_TABLE = staging_trials
