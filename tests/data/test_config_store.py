"""The config table: plain SQL works, the newest row counts, and revisions become visible in their order."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import StatementError

from data import config_store
from data.tables import config

BY_HAND = "insert into config (config_key, config_value) values ('proba_cutoff', '0.65')"


def append(engine: Engine, values: dict[str, str], author: str = "ann", reason: str = "why not") -> int:
    with engine.begin() as connection:
        return config_store.append(connection, values, author, reason)


def test_a_row_typed_by_hand_fills_itself(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text(BY_HAND))
    with engine.connect() as connection:
        (row,) = config_store.newest_rows(connection)
        assert config_store.latest_revision(connection) == row.id
    assert (row.key, row.value) == ("proba_cutoff", "0.65")
    assert (row.revision, row.author, row.reason) == (None, None, None)
    assert abs(datetime.now(UTC) - row.inserted_at) < timedelta(seconds=30)


@pytest.mark.parametrize("migrated", ["mariadb"], indirect=True)  # SQLite has no sessions with a time zone
def test_a_row_typed_by_hand_has_its_time_in_utc_wherever_the_person_sits(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("SET time_zone = '+09:00'"))
        connection.execute(text(BY_HAND))
        connection.execute(text("SET time_zone = '+00:00'"))
        (row,) = config_store.newest_rows(connection)
    assert abs(datetime.now(UTC) - row.inserted_at) < timedelta(seconds=30)


def test_the_rows_of_a_change_share_the_id_of_the_last(engine: Engine) -> None:
    first = append(engine, {"proba_cutoff": "0.4"})
    second = append(engine, {"email_policy": "off", "holdout_percentage": "5", "aliases": "{}"}, "bob", "quiet")
    with engine.connect() as connection:
        rows = config_store.newest_rows(connection)
        assert config_store.latest_revision(connection) == second
    assert [(row.key, row.revision) for row in rows] == [
        ("aliases", second),
        ("holdout_percentage", second),
        ("email_policy", second),
        ("proba_cutoff", first),
    ]
    assert rows[0].id == second
    assert {(row.author, row.reason) for row in rows[:3]} == {("bob", "quiet")}


def test_the_table_as_it_was_up_to_a_row(engine: Engine) -> None:
    first = append(engine, {"proba_cutoff": "0.4"})
    second = append(engine, {"proba_cutoff": "0.5", "email_policy": "off"})
    append(engine, {"proba_cutoff": "0.6"})
    with engine.connect() as connection:
        assert [row.id for row in config_store.newest_rows(connection, until=first)] == [first]
        newest = config_store.newest_rows(connection, per_key=1, until=second)
        assert {row.key: row.value for row in newest} == {"proba_cutoff": "0.5", "email_policy": "off"}
        assert config_store.newest_rows(connection, until=first - 1) == []


def test_an_empty_table_and_an_empty_change(engine: Engine) -> None:
    with engine.begin() as connection:
        assert config_store.latest_revision(connection) == 0
        assert config_store.newest_rows(connection) == []
        with pytest.raises(ValueError, match="nothing"):
            config_store.append(connection, {}, "ann", "")


def test_the_newest_rows_of_each_key(engine: Engine) -> None:
    for number in range(5):
        append(engine, {"proba_cutoff": f"0.{number + 1}", "Proba_cutoff": "x"})
    append(engine, {"email_policy": "off"})
    with engine.connect() as connection:
        rows = config_store.newest_rows(connection, per_key=2)
        assert [(row.key, row.value) for row in rows if row.key != "Proba_cutoff"] == [
            ("email_policy", "off"),
            ("proba_cutoff", "0.5"),
            ("proba_cutoff", "0.4"),
        ]
        assert len(rows) == 5
        assert [row.value for row in config_store.history(connection, "proba_cutoff", limit=3)] == ["0.5", "0.4", "0.3"]
        assert len(config_store.history(connection)) == 11
        assert [row.id for row in rows] == sorted((row.id for row in rows), reverse=True)


def test_the_first_row_of_each_key_behind_a_revision_however_many_came(engine: Engine) -> None:
    base = append(engine, {"proba_cutoff": "0.4"})
    with engine.begin() as connection:
        many = [{"config_key": "email_policy", "config_value": "off"} for _ in range(1_100)]
        connection.execute(config.insert(), many)
    last = append(engine, {"proba_cutoff": "0.5"})
    with engine.connect() as connection:
        found = config_store.first_rows_after(connection, base)
        assert [row.key for row in found] == ["email_policy", "proba_cutoff"]
        assert found[1].id == last
        later = config_store.first_rows_after(connection, base, {found[0].id, last})
        assert [(row.key, row.id > found[0].id) for row in later] == [("email_policy", True)]
        assert config_store.first_rows_after(connection, last) == []


def test_a_value_that_mysql_would_cut_is_refused_by_both(engine: Engine) -> None:
    long = "ä" * 32_767
    append(engine, {"email_recipients": long})
    with pytest.raises(StatementError):
        append(engine, {"email_recipients": long + "äa"})
    with engine.connect() as connection:
        assert [row.value for row in config_store.history(connection)] == [long]


def test_an_id_is_never_given_again(engine: Engine) -> None:
    first = append(engine, {"proba_cutoff": "0.4"})
    with engine.begin() as connection:
        connection.execute(config.delete())
    assert append(engine, {"proba_cutoff": "0.4"}) > first


def test_whoever_sees_a_revision_has_seen_all_below_it(engine: Engine) -> None:
    done = threading.Event()
    seen: list[tuple[int, set[int]]] = []

    def change(number: int) -> list[int]:
        return [_slow_append(engine, f"writer-{number}") for _ in range(12)]

    def watch() -> None:
        while not done.is_set():
            with engine.connect() as connection:
                seen.append((config_store.latest_revision(connection), set(connection.scalars(select(config.c.id)))))

    with ThreadPoolExecutor(4) as pool:
        watching = pool.submit(watch)
        revisions = [revision for some in pool.map(change, range(3)) for revision in some]
        done.set()
        watching.result()
    assert len(set(revisions)) == 36
    with engine.connect() as connection:
        everything = set(connection.scalars(select(config.c.id)))
        batches = {row.revision for row in config_store.history(connection, limit=1_000)}
    assert batches == set(revisions)
    assert len({revision for revision, _ids in seen}) > 3
    for revision, ids in seen:
        assert {each for each in everything if each <= revision} <= ids


def _slow_append(engine: Engine, author: str) -> int:
    with engine.begin() as connection:
        revision = config_store.append(connection, {"proba_cutoff": "0.5", "email_policy": "off"}, author, "")
        time.sleep(0.005)
        return revision
