"""Rows written many at a time are kept as they were given, whatever text they hold."""

from typing import Any

import pytest
from sqlalchemy import Connection, Engine, select, text

from data.dialect import insert_or_hold
from data.mysql_cursor import BulkCursor
from data.tables import churn_data
from tests.support.clock import StandingClock

TEXTS = [
    "it's",
    'a "quoted" word',
    "back\\slash, \\' and one at the end\\",
    "100 % of %(client_id)s and %s",
    "line\nbreak\rtab\tand\x1a",
    "😀 äöü",
    "'); DROP TABLE churn_data; --",
]
GIVEN: dict[str, dict[str, Any]] = {
    one: {"text": one, "none": None, "flag": True, "size": -3, "share": 0.1} for one in TEXTS
}


def rows(features: dict[str, dict[str, Any]], churned: bool | None) -> list[dict[str, Any]]:
    at = StandingClock().now()
    return [
        {"client_id": client_id, "features": each, "churned": churned, "imported_at": at}
        for client_id, each in features.items()
    ]


def kept(engine: Engine) -> dict[str, tuple[dict[str, Any], bool | None]]:
    columns = churn_data.c
    with engine.connect() as connection:
        found = connection.execute(select(columns.client_id, columns.features, columns.churned))
        return {client_id: (features, churned) for client_id, features, churned in found}


def test_text_comes_back_as_it_was(engine: Engine) -> None:
    with engine.begin() as connection:
        insert_or_hold(connection, churn_data, rows(GIVEN, None))
    assert kept(engine) == {one: (each, None) for one, each in GIVEN.items()}


def test_what_is_there_stays_whatever_its_text(engine: Engine) -> None:
    with engine.begin() as connection:
        insert_or_hold(connection, churn_data, rows(GIVEN, True))
        insert_or_hold(connection, churn_data, rows({one: {"another": 1} for one in GIVEN}, False))
    assert kept(engine) == {one: (each, True) for one, each in GIVEN.items()}


def test_what_is_too_long_for_a_statement_takes_several(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BulkCursor, "max_stmt_length", 500)
    with engine.begin() as connection:
        before = inserts(connection)
        insert_or_hold(connection, churn_data, rows(GIVEN, None))
        assert inserts(connection) - before in STATEMENTS[engine.dialect.name]
    assert kept(engine).keys() == GIVEN.keys()


STATEMENTS = {"mysql": range(2, len(GIVEN)), "sqlite": [0]}


def inserts(connection: Connection) -> int:
    """How many the connection's session sent so far; SQLite does not count them."""
    if connection.dialect.name == "sqlite":
        return 0
    return int(connection.execute(text("SHOW SESSION STATUS LIKE 'Com_insert'")).one()[1])
