"""On which side of the risk line each client was found last, and each crossing of it."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, func, or_, select

from data.dialect import hold, insert_absent, upsert_newest
from data.tables import client_latest, risk_changes, risk_states

EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Sighting:
    """A client's newest answer, where it was not yet compared with the line. `was_high` is None at the first one.

    `prediction` is a probability in [0, 1], `money_at_risk` in the table's currency.
    """

    client_id: str
    prediction_id: str
    answered_at: datetime
    prediction: float
    money_at_risk: float | None
    was_high: bool | None


@dataclass(frozen=True, slots=True)
class State:
    """The side on which `prediction_id`, answered at `answered_at`, left the client."""

    client_id: str
    high: bool
    answered_at: datetime
    prediction_id: str


@dataclass(frozen=True, slots=True)
class Change:
    """A crossing into high risk (`high`) or out of it, at the instant of the answer that showed it."""

    change_id: str
    client_id: str
    high: bool
    at: datetime
    prediction_id: str
    prediction: float
    money_at_risk: float | None
    cutoff: float


@dataclass(frozen=True, slots=True)
class Crosser:
    """A client that crossed within some time, with the most that was at stake at one of its crossings."""

    client_id: str
    prediction: float
    money_at_risk: float | None


def take_turn(connection: Connection) -> None:
    """Waits for whoever else compares clients with the line, and keeps others waiting until the transaction ends."""
    hold(connection, "risk_states")


def unseen(connection: Connection, since: datetime, limit: int) -> list[Sighting]:
    """Clients whose newest answer, given at `since` or later, is newer than the one last compared; oldest first.

    One that shows no score, as in the holdout, is none of them.
    """
    return [Sighting(**row) for row in connection.execute(_unseen(since, limit)).mappings()]


def keep(connection: Connection, states: Iterable[State], changes: Iterable[Change]) -> None:
    """Notes where clients were found, and those of the crossings that are not noted yet."""
    upsert_newest(connection, risk_states, map(asdict, states), _S.answered_at, _S.prediction_id)
    insert_absent(connection, risk_changes, map(asdict, changes))


def crossed(connection: Connection, start: datetime, end: datetime, *, high: bool) -> int:
    """How many clients crossed from `start` on and before `end`."""
    wanted = select(func.count(_C.client_id.distinct())).where(_C.at >= start, _C.at < end, _C.high.is_(high))
    return connection.scalar(wanted) or 0


def weightiest(connection: Connection, start: datetime, end: datetime, limit: int, *, high: bool) -> list[Crosser]:
    """Of those the ones with the most money at risk; then, and where that is unknown, with the highest prediction."""
    prediction, money = func.max(_C.prediction).label("prediction"), func.max(_C.money_at_risk).label("money_at_risk")
    wanted = (
        select(_C.client_id, prediction, money)
        .where(_C.at >= start, _C.at < end, _C.high.is_(high))
        .group_by(_C.client_id)
        .order_by(money.desc(), prediction.desc(), _C.client_id)
        .limit(limit)
    )
    return [Crosser(**row) for row in connection.execute(wanted).mappings()]


def _unseen(since: datetime, limit: int) -> Select[Any]:
    newer = or_(
        _S.client_id.is_(None),
        _S.answered_at < _L.answered_at,
        and_(_S.answered_at == _L.answered_at, _S.prediction_id < _L.prediction_id),
    )
    return (
        select(*(_L[name] for name in Sighting.__slots__ if name != "was_high"), _S.high.label("was_high"))
        .select_from(client_latest.outerjoin(risk_states, _S.client_id == _L.client_id))
        .where(_L.answered_at >= since, _L.prediction.is_not(None), newer)
        .order_by(_L.answered_at)
        .limit(limit)
    )


_L, _S, _C = client_latest.c, risk_states.c, risk_changes.c
