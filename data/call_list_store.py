"""Whom to call: each client's newest answer, most money at risk first, less those who are to be left alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, ScalarSelect, and_, func, or_, select

from data.prediction_log import COLUMNS, LedgerRow
from data.risk_order import BY_RISK, Place, Stretch, place_of, within
from data.tables import actions, client_latest, model_logs, outcomes

PORTION = 1_000
FIRST_STRETCH, STRETCH = 1_000, 20_000  # clients that one statement looks through: the first, and at most
_LEDGER = tuple(model_logs.c[name] for name in COLUMNS)
_latest = client_latest.c
# told before its prediction reached the ledger, an action may name another client's
_ANSWERED = and_(model_logs.c.prediction_id == actions.c.prediction_id, model_logs.c.client_id == actions.c.client_id)


@dataclass(frozen=True, slots=True)
class Standing:
    """One of the clients with the most money at risk, and whether something speaks against calling it."""

    client_id: str
    contacted: bool
    churned: bool


@dataclass(frozen=True, slots=True)
class Contact:
    """An action that answered to a prediction, and that prediction."""

    kind: str
    at: datetime
    actor: str
    row: LedgerRow


def callable_rows(connection: Connection, contacted_since: datetime, portion: int = PORTION) -> Iterator[LedgerRow]:
    """The newest row of every client with a score whom nobody contacted since then and whose newest outcome, if any,
    is not that it churned: most money at risk first, those of unknown worth last. Reads `portion` rows at a time.
    """
    for worth_known in (True, False):
        for stretch in _stretches(connection, worth_known):
            after = stretch.after
            while rows := _portion(connection, contacted_since, Stretch(worth_known, after, stretch.last), portion):
                yield from rows
                after = place_of(rows[-1])


def standings(connection: Connection, contacted_since: datetime, limit: int) -> list[Standing]:
    """The `limit` clients with the most money at risk, whoever is to be left alone among them."""
    contacted, churned = _contacted(contacted_since).is_not(None), func.coalesce(_churned(), False)
    found = select(_latest.client_id, contacted, churned).where(_latest.prediction.is_not(None))
    wanted = found.order_by(*BY_RISK).limit(limit)
    return [Standing(client_id, bool(at), bool(left)) for client_id, at, left in connection.execute(wanted)]


def contacts_between(connection: Connection, since: datetime, until: datetime, limit: int) -> list[Contact]:
    """The actions from `since` until before `until` that name the prediction they answer, newest first."""
    kept = [actions.c.kind, actions.c.at, actions.c.actor]
    wanted = (
        select(*kept, *_LEDGER)
        .join(model_logs, _ANSWERED)
        .where(actions.c.at >= since, actions.c.at < until)
        .order_by(actions.c.at.desc(), actions.c.action_id)
        .limit(limit)
    )
    return [Contact(row[0], row[1], row[2], LedgerRow(*row[3:])) for row in connection.execute(wanted)]


def contacted_clients(connection: Connection, since: datetime, until: datetime) -> int:
    """How many clients have an action in that time that names the prediction it answers."""
    wanted = select(func.count(actions.c.client_id.distinct())).join(model_logs, _ANSWERED)
    return connection.scalar(wanted.where(actions.c.at >= since, actions.c.at < until)) or 0


def _stretches(connection: Connection, worth_known: bool) -> Iterator[Stretch]:
    """All clients whose worth is known, or not, in pieces that one statement can look through in time, even where it
    finds everybody contacted. A page has all its clients within the first, mostly."""
    after: Place | None = None
    size = FIRST_STRETCH
    while True:
        places = select(_latest.money_at_risk, _latest.prediction, _latest.client_id)
        rest = within(places, Stretch(worth_known, after, None))
        size = min(size, STRETCH)
        row = connection.execute(rest.offset(size - 1).limit(1)).first()
        last = Place(*row) if row else None
        yield Stretch(worth_known, after, last)
        if last is None:
            return
        after, size = last, 4 * size


def _portion(connection: Connection, contacted_since: datetime, stretch: Stretch, portion: int) -> list[LedgerRow]:
    unmarked = or_(_latest.contacted_at.is_(None), _latest.contacted_at < contacted_since)
    kept = [unmarked, _contacted(contacted_since).is_(None), func.coalesce(_churned(), False).is_(False)]
    top = within(select(_latest.prediction_id).where(*kept), stretch).limit(portion).subquery()
    wanted = select(*_LEDGER).join(top, top.c.prediction_id == model_logs.c.prediction_id)
    rows = [LedgerRow(*row) for row in connection.execute(wanted)]
    return sorted(rows, key=place_of, reverse=True)  # here, or the server would sort whole documents


def _contacted(since: datetime) -> ScalarSelect[Any]:
    """NULL unless somebody contacted the client, whether it is marked or not. With LIMIT, or MariaDB may read all
    actions instead of looking up each client's."""
    found = select(actions.c.at).where(actions.c.client_id == _latest.client_id, actions.c.at >= since)
    return found.limit(1).scalar_subquery()


def _churned() -> ScalarSelect[Any]:
    """Of a client's outcomes the newest says whether it churned; of two at one instant the one that it did."""
    newest = (outcomes.c.observed_at.desc(), outcomes.c.churned.desc())
    found = select(outcomes.c.churned).where(outcomes.c.client_id == _latest.client_id).order_by(*newest)
    return found.limit(1).scalar_subquery()
