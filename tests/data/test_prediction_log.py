"""The ledger: rows come back as written, once, and each client's newest row is known without a scan."""

import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, func, select, text
from sqlalchemy.exc import IntegrityError, StatementError

from data import prediction_log
from data.prediction_log import LedgerRow
from data.tables import client_latest, model_logs
from helpers.ids import new_id
from tests.support.ledger import NOON, row

SIX = ("abc", "ABC", "äbc", "abc ", "😀", "😁")


def write(engine: Engine, rows: Sequence[LedgerRow]) -> None:
    with engine.begin() as connection:
        prediction_log.append_many(connection, rows)


def riskiest_ids(engine: Engine, limit: int = 100) -> list[str]:
    with engine.connect() as connection:
        return [each.client_id for each in prediction_log.riskiest(connection, limit)]


def test_a_row_comes_back_as_it_was_written(engine: Engine) -> None:
    full = row()
    empty = row(
        experiment=None,
        prediction=None,
        high_risk=None,
        ltv=None,
        money_at_risk=None,
        recent_times_id_seen=None,
        request_id=None,
        input={},
        output={},
        silent_scores={},
    )
    write(engine, [full, empty])
    with engine.connect() as connection:
        assert prediction_log.find(connection, full.prediction_id) == full
        assert prediction_log.find(connection, empty.prediction_id) == empty
        assert prediction_log.find(connection, new_id()) is None
        assert prediction_log.find(connection, "x" * 5_000) is None


def test_a_row_written_again_is_not_a_second_row_and_changes_nothing(engine: Engine) -> None:
    first, second = row(), row()
    write(engine, [first, first])
    write(engine, [replace(first, prediction=0.1), second])
    with engine.connect() as connection:
        assert prediction_log.find(connection, first.prediction_id) == first
        assert connection.scalar(select(func.count()).select_from(model_logs)) == 2


def test_six_spellings_are_six_clients(engine: Engine) -> None:
    write(engine, [row(spelling, money_at_risk=float(place)) for place, spelling in enumerate(SIX)])
    assert riskiest_ids(engine) == list(reversed(SIX))
    with engine.connect() as connection:
        for spelling in SIX:
            assert [each.client_id for each in prediction_log.latest(connection, spelling, 9)] == [spelling]


def test_sql_typed_by_a_person_finds_exactly_that_client(engine: Engine) -> None:
    write(engine, [row(spelling) for spelling in SIX])
    with engine.connect() as connection:
        found = connection.execute(text("select client_id from model_logs where client_id = 'abc'")).scalars().all()
    assert found == ["abc"]


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "x" * 191},
        {"prediction": float("nan")},
        {"money_at_risk": float("inf")},
        {"input": {"tenure": float("nan")}},
        {"answered_at": NOON.replace(tzinfo=None)},
        {"client_id": "\ud800"},
        {"input": {"note": "\udcff"}},
        {"high_risk": "yes"},
    ],
    ids="-".join,
)
def test_both_databases_refuse_what_one_would_spoil(engine: Engine, changes: dict[str, Any]) -> None:
    with pytest.raises((StatementError, UnicodeEncodeError)):
        write(engine, [row(**changes)])
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(model_logs)) == 0


@pytest.mark.parametrize("column", ["client_id", "arm", "cutoff", "response_time", "input"])
def test_a_missing_value_is_an_error_even_where_repeats_are_not(engine: Engine, column: str) -> None:
    missing: dict[str, Any] = {column: None}
    with pytest.raises(IntegrityError):
        write(engine, [row(**missing)])


def test_ids_of_190_characters_fit_even_where_each_takes_four_bytes(engine: Engine) -> None:
    long = "😀" * 190
    write(engine, [row(long)])
    assert riskiest_ids(engine) == [long]


def test_latest_gives_the_newest_first(engine: Engine) -> None:
    rows = [row(answered_at=NOON + timedelta(microseconds=n)) for n in range(5)]
    write(engine, random.sample(rows, 5))
    write(engine, [row("another", answered_at=NOON + timedelta(days=1))])
    with engine.connect() as connection:
        assert prediction_log.latest(connection, "7590-VHVEG", 3) == rows[:1:-1]


def test_the_riskiest_have_the_most_money_at_risk_then_the_highest_prediction(engine: Engine) -> None:
    write(
        engine,
        [
            row("poor", money_at_risk=1.0, prediction=0.99),
            row("unknown-high", money_at_risk=None, ltv=None, prediction=0.9),
            row("unknown-low", money_at_risk=None, ltv=None, prediction=0.2),
            row("rich", money_at_risk=500.0, prediction=0.3),
            row("rich-and-leaving", money_at_risk=500.0, prediction=0.8),
            row("held-out", arm="holdout", money_at_risk=None, prediction=None, high_risk=None),
            row("held-out-by-mistake", arm="holdout", money_at_risk=900.0, prediction=0.9),
        ],
    )
    expected = ["rich-and-leaving", "rich", "poor", "unknown-high", "unknown-low"]
    assert riskiest_ids(engine) == expected
    assert riskiest_ids(engine, 2) == expected[:2]


def test_a_client_that_went_into_the_holdout_is_no_longer_listed(engine: Engine) -> None:
    write(engine, [row()])
    write(engine, [row(arm="holdout", prediction=None, money_at_risk=None, answered_at=NOON + timedelta(1))])
    assert riskiest_ids(engine) == []


def test_the_newest_row_counts_in_whatever_order_and_batches_rows_arrive(engine: Engine) -> None:
    rng = random.Random(7)
    rows = [
        row(f"c{rng.randrange(5)}", answered_at=NOON + timedelta(seconds=rng.randrange(30)), money_at_risk=rng.random())
        for _ in range(200)
    ]
    arrivals = rng.sample(rows, 200)
    for start in range(0, 200, 7):
        write(engine, arrivals[start : start + 9])  # batches overlap, as after a crash
    newest: dict[str, LedgerRow] = {}
    for each in sorted(rows, key=lambda each: (each.answered_at, each.prediction_id)):
        newest[each.client_id] = each
    expected = sorted(newest.values(), key=lambda each: -(each.money_at_risk or 0))
    with engine.connect() as connection:
        assert prediction_log.riskiest(connection, 9) == expected
        assert connection.scalar(select(func.count()).select_from(model_logs)) == 200


def test_writers_at_once_lose_nothing_and_write_nothing_twice(engine: Engine) -> None:
    rows = [row(f"c{n % 40}", answered_at=NOON + timedelta(seconds=n)) for n in range(1_200)]

    def ship(seed: int) -> None:
        own = random.Random(seed).sample(rows, len(rows))
        for start in range(0, len(own), 100):
            write(engine, own[start : start + 100])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(ship, range(4)))
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(model_logs)) == 1_200
        kept = {(client, newest) for client, newest in connection.execute(_LATEST)}
    assert kept == {(each.client_id, each.prediction_id) for each in rows[-40:]}


def test_a_record_of_the_outbox_is_read_back() -> None:
    record = {name: getattr(row(), name) for name in prediction_log.COLUMNS}
    record |= {"answered_at": "2026-11-22T13:00:00.123456+01:00", "email": {"recipients": ["a@example.com"]}}
    assert prediction_log.read_record(record) == LedgerRow(
        **{**{name: record[name] for name in prediction_log.COLUMNS}, "answered_at": NOON}
    )
    del record["arm"]
    with pytest.raises(KeyError, match="arm"):
        prediction_log.read_record(record)


def rows_read(connection: Connection, ask: Callable[[], object]) -> int:
    """How many rows MariaDB reads to answer."""
    connection.execute(text("FLUSH STATUS"))
    ask()
    status = connection.execute(text("SHOW SESSION STATUS LIKE 'Handler_read%'")).all()
    return sum(int(count) for _name, count in status)


def plan(connection: Connection, ask: Callable[[], object]) -> str:
    """How SQLite goes about answering."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_rest: object) -> None:
        asked.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note)
    ask()
    event.remove(connection, "before_cursor_execute", note)
    return str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked[-1][0]}", asked[-1][1]).all())


def test_the_lists_do_not_read_the_whole_ledger(engine: Engine) -> None:
    write(engine, [row(f"c{n % 1_500}", money_at_risk=float(n)) for n in range(6_000)])
    with engine.connect() as connection:

        def list_riskiest() -> object:
            return prediction_log.riskiest(connection, 50)

        def list_latest() -> object:
            return prediction_log.latest(connection, "c7", 3)

        if engine.dialect.name == "mysql":
            assert rows_read(connection, list_riskiest) < 400
            assert rows_read(connection, list_latest) < 20
        else:
            assert "SCAN client_latest USING COVERING INDEX ix_client_latest_by_risk" in plan(connection, list_riskiest)
            assert "SCAN model_logs" not in plan(connection, list_riskiest)
            assert "ix_model_logs_client_id_answered_at (client_id=?)" in plan(connection, list_latest)


_LATEST = select(client_latest.c.client_id, client_latest.c.prediction_id)
