"""What was done to clients is kept once, and read back newest first."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import StatementError

from data import action_store
from data.action_store import Action
from helpers.ids import new_id
from tests.support.ledger import NOON

DAY = timedelta(days=1)


def action(client_id: str = "anna", days: int = 0, prediction_id: str | None = None) -> Action:
    return Action(new_id(), client_id, "call", NOON + days * DAY, "Mia Ürün", prediction_id, NOON)


def add(engine: Engine, *rows: Action) -> set[str]:
    with engine.begin() as connection:
        return action_store.add_many(connection, rows)


def test_deeds_come_back_newest_first(engine: Engine) -> None:
    done = [action(days=day, prediction_id=new_id()) for day in range(4)]
    assert add(engine, *done[::-1], action("bert")) >= {each.action_id for each in done}
    with engine.connect() as connection:
        assert action_store.of_client(connection, "anna", 3) == done[:0:-1]
        assert action_store.of_client(connection, "Anna", 3) == []


def test_a_deed_of_a_known_id_changes_nothing(engine: Engine) -> None:
    first = action()
    assert add(engine, first, first) == {first.action_id}
    assert add(engine, replace(first, kind="gift")) == set()
    with engine.connect() as connection:
        assert action_store.of_client(connection, "anna", 9) == [first]


@pytest.mark.parametrize("changes", [{"kind": "x" * 41}, {"actor": "x" * 101}, {"client_id": "x" * 191}])
def test_what_is_too_long_is_refused_on_both_databases(engine: Engine, changes: dict[str, Any]) -> None:
    with pytest.raises(StatementError):
        add(engine, replace(action(), **changes))
