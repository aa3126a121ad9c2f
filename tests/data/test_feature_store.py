"""Customers and lifetime values: read by id, and replaced as a whole."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, StatementError

from data import feature_store
from data.feature_store import Customer, LifetimeValue

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SIX = ("abc", "ABC", "äbc", "abc ", "😀", "😁")


def customer(client_id: str, churned: bool | None = None, **features: Any) -> Customer:
    return Customer(client_id, features, churned, NOW)


def replace_all(engine: Engine, *rows: Customer, batch: int = 2_000) -> int:
    with engine.begin() as connection:
        return feature_store.replace_customers(connection, rows, batch)


def test_attributes_come_back_as_they_were(engine: Engine) -> None:
    features = {"tenure": 1, "charge": 29.85, "partner": True, "note": None, "plan": "ein Jähr 😀", "tags": [1, "a"]}
    replace_all(engine, customer("7590-VHVEG", churned=True, **features), customer("empty", churned=False))
    with engine.connect() as connection:
        found = feature_store.customers(connection, ["empty", "7590-VHVEG", "nobody", "x" * 500])
    assert found == {"7590-VHVEG": features, "empty": {}}


def test_six_spellings_are_six_customers(engine: Engine) -> None:
    replace_all(engine, *(customer(spelling, n=place) for place, spelling in enumerate(SIX)))
    with engine.begin() as connection:
        values = [LifetimeValue(spelling, float(place), "observed", NOW) for place, spelling in enumerate(SIX)]
        feature_store.replace_ltvs(connection, values)
    with engine.connect() as connection:
        assert feature_store.customers(connection, SIX) == {each: {"n": place} for place, each in enumerate(SIX)}
        assert feature_store.ltvs(connection, SIX) == {each: float(place) for place, each in enumerate(SIX)}
        assert feature_store.ltvs(connection, ["Abc", "abc  "]) == {}


def test_more_ids_than_one_statement_holds(engine: Engine) -> None:
    names = [f"c{number:05}" for number in range(2_345)]
    assert replace_all(engine, *(customer(name, n=name) for name in names), batch=500) == 2_345
    with engine.connect() as connection:
        assert feature_store.count_customers(connection) == 2_345
        found = feature_store.customers(connection, [*names, *names])
    assert found == {name: {"n": name} for name in names}


def test_nothing_asked_nothing_found(engine: Engine) -> None:
    with engine.connect() as connection:
        assert feature_store.ltvs(connection, []) == {}
        assert feature_store.customers(connection, []) == {}
        assert feature_store.count_customers(connection) == 0
        assert feature_store.customer_ids(connection, 5) == []


def test_replacing_leaves_no_old_row(engine: Engine) -> None:
    replace_all(engine, customer("old"), customer("both", v=1))
    replace_all(engine, customer("both", v=2), customer("new"))
    with engine.connect() as connection:
        assert feature_store.customer_ids(connection, 9) == ["both", "new"]
        assert feature_store.customers(connection, ["both"]) == {"both": {"v": 2}}


def test_a_big_table_is_emptied_in_parts(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_store, "ROWS_A_DELETE", 10)
    replace_all(engine, *(customer(f"c{number}") for number in range(35)))
    replace_all(engine, customer("new"))
    with engine.connect() as connection:
        assert feature_store.customer_ids(connection, 99) == ["new"]


def test_readers_see_the_old_customers_until_the_new_are_whole(engine: Engine) -> None:
    replace_all(engine, customer("old"))
    with engine.begin() as writing:
        feature_store.replace_customers(writing, [customer("new")])
        with engine.connect() as reading:
            assert feature_store.customer_ids(reading, 9) == ["old"]
    with engine.connect() as reading:
        assert feature_store.customer_ids(reading, 9) == ["new"]


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        ([customer("twice"), customer("twice")], IntegrityError),
        ([customer("x" * 191)], StatementError),
        ([customer("c", charge=float("nan"))], StatementError),
    ],
    ids=["twice", "long", "nan"],
)
def test_a_bad_table_is_refused_and_the_old_one_stays(
    engine: Engine, rows: list[Customer], error: type[Exception]
) -> None:
    replace_all(engine, customer("old"))
    with pytest.raises(error):
        replace_all(engine, *rows)
    with engine.connect() as connection:
        assert feature_store.customer_ids(connection, 9) == ["old"]


def test_ids_page_by_page_in_one_order_on_both_databases(engine: Engine) -> None:
    names = ["Z", "a", "a ", "aa", "ä", "ﬁ", "😀"]
    replace_all(engine, *(customer(name) for name in reversed(names)))
    with engine.connect() as connection:
        first = feature_store.customer_ids(connection, 3)
        assert first == names[:3]
        assert feature_store.customer_ids(connection, 9, after=first[-1]) == names[3:]
