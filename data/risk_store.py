"""On which side of the risk line each client was found last, and each crossing of it."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select

from data.dialect import hold, insert_absent, upsert_newest
from data.tables import client_latest, risk_changes, risk_states

Order = Literal["answered_at", "client_id"]
Place = datetime | str
FIRST_CLIENT = ""  # ids are not empty


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
class Stretch:
    """The clients after one place of an order up to and with another; None is the end."""

    order: Order
    after: Place
    until: Place | None


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


def stretch(connection: Connection, order: Order, after: Place, size: int) -> Stretch:
    """The next `size` clients by id or by the time of their newest answer, with all that were answered in the same
    instant as the last: few enough to be read in one statement however many there are."""
    return Stretch(order, after, connection.scalar(_last_place(order, after, size)))


def unseen(connection: Connection, among: Stretch) -> list[Sighting]:
    """Clients whose newest answer is newer than the one last compared.

    One that shows no score, as in the holdout, is none of them.
    """
    return [Sighting(**row) for row in connection.execute(_unseen(among)).mappings()]


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


def _last_place(order: Order, after: Place, size: int) -> Select[Any]:
    column = _L[order]
    return select(column).where(column > after).order_by(column).offset(size - 1).limit(1)


def _unseen(among: Stretch) -> Select[Any]:
    newer = or_(
        _S.client_id.is_(None),
        _S.answered_at < _L.answered_at,
        and_(_S.answered_at == _L.answered_at, _S.prediction_id < _L.prediction_id),
    )
    return (
        select(*(_L[name] for name in Sighting.__slots__ if name != "was_high"), _S.high.label("was_high"))
        .select_from(client_latest.outerjoin(risk_states, _S.client_id == _L.client_id))
        .where(*_within(among), _L.prediction.is_not(None), newer)
    )


def _within(among: Stretch) -> list[ColumnElement[bool]]:
    column = _L[among.order]
    start = [column > among.after]
    return start if among.until is None else [*start, column <= among.until]


_L, _S, _C = client_latest.c, risk_states.c, risk_changes.c
