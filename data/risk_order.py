"""The order of the call list: clients by money at risk, then by probability, and pieces of that order.

Spelled out condition by condition, since MariaDB finds no range in a comparison of rows. Each piece begins with the
range of `ix_client_latest_by_risk` that both databases start from.
"""

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, or_

from data.prediction_log import LedgerRow
from data.tables import client_latest

_latest = client_latest.c
# Descending throughout, so that the index is read from its end; NULL comes last then.
BY_RISK = (_latest.money_at_risk.desc(), _latest.prediction.desc(), _latest.client_id.desc())


class Place(NamedTuple):
    """Where a client stands among those whose worth is known, or unknown."""

    money_at_risk: float | None
    prediction: float
    client_id: str


class Stretch(NamedTuple):
    """The clients whose worth is known, or not, after one place and down to another, where these are not None."""

    worth_known: bool
    after: Place | None
    last: Place | None


def within(wanted: Select[Any], stretch: Stretch) -> Select[Any]:
    """The clients of the stretch, in order. One whose newest row is in the holdout has no score there."""
    known = _latest.money_at_risk.is_not(None) if stretch.worth_known else _latest.money_at_risk.is_(None)
    order = BY_RISK if stretch.worth_known else BY_RISK[1:]  # MariaDB sorts by a column even where all of it is NULL
    ends = [*_below(stretch.after), *_down_to(stretch.last)]
    return wanted.where(known, _latest.prediction.is_not(None), *ends).order_by(*order)


def place_of(row: LedgerRow) -> Place:
    return Place(row.money_at_risk, row.prediction or 0.0, row.client_id)


def _below(place: Place | None) -> list[ColumnElement[bool]]:
    """What comes after `place` among clients whose worth is known, or unknown, like its own."""
    if place is None:
        return []
    same = and_(_latest.prediction == place.prediction, _latest.client_id < place.client_id)
    lower = or_(_latest.prediction < place.prediction, same)
    if place.money_at_risk is None:
        return [_latest.prediction <= place.prediction, lower]
    return [_latest.money_at_risk <= place.money_at_risk, or_(_latest.money_at_risk < place.money_at_risk, lower)]


def _down_to(place: Place | None) -> list[ColumnElement[bool]]:
    """What comes before `place`, and `place` itself."""
    if place is None:
        return []
    same = and_(_latest.prediction == place.prediction, _latest.client_id >= place.client_id)
    higher = or_(_latest.prediction > place.prediction, same)
    if place.money_at_risk is None:
        return [_latest.prediction >= place.prediction, higher]
    return [_latest.money_at_risk >= place.money_at_risk, or_(_latest.money_at_risk > place.money_at_risk, higher)]
