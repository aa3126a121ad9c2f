"""Suggestions are kept as they were written, and replaced in place."""

from dataclasses import replace

from sqlalchemy import Engine

from data import suggestion_store
from data.suggestion_store import Suggestion

YEARLY = Suggestion(None, "Contract", "Monthly", "offer", "Offer the yearly contract 😀 <b>")
CONTRACT = Suggestion(None, "Contract", None, "call", "Ask about the contract")
EVERYBODY = Suggestion(None, None, None, "call", "Call")


def put(engine: Engine, *rows: Suggestion) -> list[int]:
    with engine.begin() as connection:
        suggestion_store.take_turn(connection)
        return [suggestion_store.put(connection, row) for row in rows]


def listed(engine: Engine) -> list[Suggestion]:
    with engine.connect() as connection:
        return suggestion_store.list_all(connection)


def test_they_come_back_sorted_with_the_one_for_everybody_last(engine: Engine) -> None:
    everybody, yearly, contract = put(engine, EVERYBODY, YEARLY, CONTRACT)
    assert listed(engine) == [
        replace(CONTRACT, id=contract),
        replace(YEARLY, id=yearly),
        replace(EVERYBODY, id=everybody),
    ]


def test_one_is_replaced_and_one_deleted(engine: Engine) -> None:
    kept, gone = put(engine, CONTRACT, YEARLY)
    changed = Suggestion(kept, "Tenure", "3", "letter", "Write")
    assert put(engine, changed) == [kept]
    with engine.begin() as connection:
        suggestion_store.remove(connection, gone)
    assert listed(engine) == [changed]
