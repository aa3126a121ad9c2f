"""A ledger that is older than exposures gets those that it would have by now."""

import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, select

from data import prediction_log, schema
from data.engine import build_engine
from data.exposures import keep
from data.ledger_row import COLUMNS, LedgerRow
from data.tables import exposures, model_logs
from tests.data.test_exposures import everything, expected, kept, some_rows


class Killed(Exception):
    pass


@pytest.fixture
def old(empty_url: str) -> Iterator[Engine]:
    """A database as it was before there were exposures to fill."""
    engine = build_engine(empty_url)
    schema.upgrade(engine, "0002")
    yield engine
    engine.dispose()


def answer(engine: Engine, rows: Sequence[LedgerRow]) -> None:
    """Appends to the ledger alone, as the older program did."""
    with engine.begin() as connection:
        connection.execute(model_logs.insert(), [{name: getattr(row, name) for name in COLUMNS} for row in rows])


def test_the_ledger_s_first_answers_are_exposures_afterwards(old: Engine) -> None:
    rows = some_rows(random.Random(5), 4_500)  # more than two portions
    answer(old, rows)
    schema.upgrade(old)
    assert schema.check(old).ok
    assert kept(old) == expected(rows)
    with old.begin() as connection:
        before = everything(old, exposures)
        prediction_log.append_many(connection, rows)
    assert everything(old, exposures) == before, "the newer program would have written something else"


def test_exposures_that_a_newer_process_wrote_meanwhile_are_compared(old: Engine) -> None:
    rows = some_rows(random.Random(6), 600)
    newer = random.Random(7).sample(rows, 300)
    answer(old, rows)
    with old.begin() as connection:
        keep(connection, newer)
    schema.upgrade(old)
    assert kept(old) == expected(rows)


def test_an_upgrade_that_was_killed_may_be_repeated(old: Engine) -> None:
    rows = some_rows(random.Random(8), 4_500)
    answer(old, rows)
    seen: list[str] = []

    def kill(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)
        if sum(each.startswith("INSERT INTO exposures") for each in seen) == 2:
            raise Killed

    event.listen(Engine, "after_cursor_execute", kill)
    with pytest.raises(Killed):
        schema.upgrade(old)
    event.remove(Engine, "after_cursor_execute", kill)
    with old.connect() as connection:
        half = connection.scalar(select(func.count()).select_from(exposures)) or 0
    assert half > 0 or old.dialect.name == "sqlite"  # there, all or nothing
    assert schema.current(old) == "0002"
    schema.upgrade(old)
    assert kept(old) == expected(rows)
