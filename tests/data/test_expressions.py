"""Instants and rounding mean the same in SQL on every database."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, literal, select

from data.expressions import day_number, days_after, nearest, start_of_day
from data.tables import exposures
from tests.support.clients import met, put

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "instant",
    [
        datetime(2026, 11, 22, 12, 0, 0, 1, tzinfo=UTC),
        datetime(2026, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2024, 2, 1, 0, 0, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 0, tzinfo=UTC),
    ],
)
def test_days_are_counted_in_utc_and_to_the_microsecond(engine: Engine, instant: datetime) -> None:
    put(engine, clients=[met(first_at=instant)])
    column = exposures.c.first_at
    midnight = instant.replace(hour=0, minute=0, second=0, microsecond=0)
    later = instant + timedelta(days=30)
    with engine.connect() as connection:
        number = connection.scalar(select(day_number(column)))
        begins = [midnight, midnight - timedelta(microseconds=1)]
        since = [connection.scalar(select(start_of_day(column) <= literal(each, column.type))) for each in begins]
        ends = [later, later + timedelta(microseconds=1)]
        until = [connection.scalar(select(days_after(column, 30) >= literal(each, column.type))) for each in ends]
    assert number == (midnight - EPOCH).days
    assert since == [True, False]
    assert until == [True, False]


@pytest.mark.parametrize(("number", "whole"), [(0.0, 0), (0.49, 0), (0.5, 1), (1.5, 2), (2.5, 3), (2.499, 2)])
def test_halves_are_rounded_up(engine: Engine, number: float, whole: int) -> None:
    put(engine, clients=[met(score=number)])
    with engine.connect() as connection:
        assert connection.scalar(select(nearest(exposures.c.score))) == whole
