"""The list of trained models."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from data import model_store
from data.model_store import ModelRecord

NOW = datetime(2026, 11, 22, tzinfo=UTC)
CARD = {"name": "additive", "metrics": {"roc_auc": {"mean": 0.8493, "low": 0.84, "high": 0.86}}, "dropped": []}


def add(engine: Engine, name: str, version: str) -> int:
    with engine.begin() as connection:
        return model_store.add(connection, name, version, NOW, CARD, "0" * 64)


def test_a_version_comes_back(engine: Engine) -> None:
    number = add(engine, "additive", "1")
    with engine.connect() as connection:
        expected = ModelRecord(number, "additive", "1", NOW, CARD, "0" * 64)
        assert model_store.find(connection, "additive", "1") == expected
        assert model_store.find(connection, "Additive", "1") is None
        assert model_store.find(connection, "additive", "2") is None


def test_a_version_is_added_once(engine: Engine) -> None:
    add(engine, "additive", "1")
    with pytest.raises(IntegrityError):
        add(engine, "additive", "1")
    add(engine, "ADDITIVE", "1")


def test_versions_count_up_by_number_for_each_name(engine: Engine) -> None:
    with engine.connect() as connection:
        assert model_store.next_version(connection, "additive") == "1"
    for version in ("9", "10", "2026-beta"):
        add(engine, "additive", version)
    add(engine, "other", "40")
    with engine.connect() as connection:
        assert model_store.next_version(connection, "additive") == "11"


def test_the_newest_is_listed_first(engine: Engine) -> None:
    for version in ("1", "2", "3"):
        add(engine, "additive", version)
    with engine.connect() as connection:
        listed = model_store.list_models(connection)
    assert [record.version for record in listed] == ["3", "2", "1"]
    assert listed[0].created_at - NOW == timedelta(0)


def test_versions_come_by_the_page_newest_first(engine: Engine) -> None:
    numbers = [add(engine, "additive", str(version)) for version in (1, 2, 3)]
    with engine.connect() as connection:
        assert [one.id for one in model_store.list_models(connection, 2)] == numbers[:0:-1]
        assert [one.id for one in model_store.list_models(connection, 2, numbers[1])] == numbers[:1]
        assert model_store.references(connection) == ["additive@3", "additive@2", "additive@1"]
