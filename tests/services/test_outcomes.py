"""Reports and predictions may come in any order and at once: no report is lost, doubled, or left waiting."""

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine, event, select
from sqlalchemy.exc import OperationalError

from data import outcome_store, prediction_log
from data.engine import build_engine
from data.queue import Queue
from data.tables import outcomes
from helpers.ids import new_id
from services.ledger import LedgerSink
from services.outcomes import Receipt, Report, record, settle, settle_all
from tests.support.clock import StandingClock
from tests.support.ledger import NOON, row
from tests.support.letters import spool_record

CLOCK = StandingClock(NOON)


def report(client_id: str | None = None, prediction_id: str | None = None, churned: bool = True) -> Report:
    return Report.model_construct(
        client_id=client_id, prediction_id=prediction_id, churned=churned, observed_at=CLOCK.now()
    )


def tell(engine: Engine, *reports: Report) -> list[str]:
    return [each.status for each in record(engine, CLOCK, reports, "test")]


def answer(client_id: str) -> tuple[bytes, str]:
    """A record of the outbox, and the id of its prediction."""
    spooled = spool_record(client_id=client_id)
    return spooled, orjson.loads(spooled)["prediction_id"]


def clients(engine: Engine) -> list[str | None]:
    with engine.connect() as connection:
        return list(connection.scalars(select(outcomes.c.client_id).order_by(outcomes.c.client_id)))


@pytest.fixture
def sink(engine: Engine) -> LedgerSink:
    return LedgerSink(engine, Queue("redis://127.0.0.1:1/0"))


def test_each_report_has_its_receipt(engine: Engine, sink: LedgerSink) -> None:
    spooled, known = answer("anna")
    sink.deliver([spooled])
    told = [
        report("bert"),
        report(None, known),
        report("anna", known),
        report("carl", known),
        report("bert"),
        report(None, answer("dora")[1]),
    ]
    assert tell(engine, *told) == ["recorded", "recorded", "recorded", "refused", "known", "waiting"]
    assert tell(engine, *told) == ["known", "known", "known", "refused", "known", "known"]
    assert clients(engine) == [None, "anna", "anna", "bert"]
    assert record(engine, CLOCK, told[:1], "test") == [Receipt(told[0].outcome_id, "known")]


def test_a_report_that_came_first_counts_when_the_prediction_is_shipped(engine: Engine, sink: LedgerSink) -> None:
    spooled, prediction_id = answer("anna")
    assert tell(engine, report(None, prediction_id), report("anna", prediction_id)) == ["waiting", "waiting"]
    sink.deliver([spooled])
    assert clients(engine) == ["anna", "anna"]
    assert tell(engine, report(None, prediction_id)) == ["known"]


def test_a_report_that_named_another_client_is_taken_out_again(engine: Engine, sink: LedgerSink) -> None:
    spooled, prediction_id = answer("anna")
    assert tell(engine, report("Anna", prediction_id)) == ["waiting"]
    sink.deliver([spooled])
    assert clients(engine) == []
    assert tell(engine, report("Anna", prediction_id)) == ["refused"]


def test_what_was_left_waiting_is_settled_later(engine: Engine) -> None:
    """As after a death between the commit of ledger rows and the look for reports on them."""
    answered = [row("anna"), row("bert")]
    here, another = (each.prediction_id for each in answered)
    tell(engine, report(None, here), report("Bert", another), report(None, new_id()), report("carl"))
    with engine.begin() as connection:
        prediction_log.append_many(connection, answered)
    assert settle_all(engine) == 2
    assert clients(engine) == [None, "anna", "carl"]
    assert settle_all(engine) == 0


@contextmanager
def when(engine: Engine, moment: Callable[[str], bool], then: Callable[[], object]) -> Iterator[list[object]]:
    """Has `then` done by another thread, once, right after a statement of this one for which `moment` holds; what
    it gave is in the list."""
    here = threading.get_ident()
    found: list[object] = []

    def look(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if threading.get_ident() == here and moment(statement) and not found:
            with ThreadPoolExecutor(1) as pool:
                found.append(pool.submit(then).result())

    event.listen(engine, "after_cursor_execute", look)
    yield found
    event.remove(engine, "after_cursor_execute", look)


@pytest.mark.parametrize("migrated", ["mariadb"], indirect=True)  # on SQLite writers take turns
def test_a_prediction_shipped_between_the_look_and_the_commit_is_not_missed(engine: Engine, sink: LedgerSink) -> None:
    """The shipper finds no report, since it is not committed; so the reporter must look once more."""
    spooled, prediction_id = answer("anna")
    with when(engine, lambda sql: sql.startswith("INSERT INTO outcomes"), lambda: sink.deliver([spooled])) as shipped:
        assert tell(engine, report(None, prediction_id)) == ["recorded"]
    assert shipped == [None]
    assert clients(engine) == ["anna"]


@pytest.mark.parametrize("migrated", ["mariadb"], indirect=True)
def test_a_report_between_the_ledger_and_its_commit_is_not_missed(engine: Engine, sink: LedgerSink) -> None:
    """The reporter finds no prediction, since it is not committed; so the shipper must look once more."""
    spooled, prediction_id = answer("anna")
    with when(
        engine, lambda sql: sql.startswith("INSERT INTO model_logs"), lambda: tell(engine, report(None, prediction_id))
    ) as told:
        sink.deliver([spooled])
    assert told == [["waiting"]]
    assert clients(engine) == ["anna"]


def test_of_many_reports_and_predictions_at_once_none_is_left_waiting(engine: Engine, sink: LedgerSink) -> None:
    answers = [answer(f"c{number}") for number in range(300)]
    deeds: list[Callable[[], object]] = []
    for start in range(0, 300, 10):
        some = answers[start : start + 10]
        deeds.append(partial(sink.deliver, [spooled for spooled, _ in some]))
        deeds += [partial(tell, engine, *(report(None, own) for _, own in some))] * 2
    random.Random(1).shuffle(deeds)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda deed: deed(), deeds))
    assert clients(engine) == sorted(f"c{number}" for number in range(300))


def test_the_same_reports_told_by_two_at_once_are_kept_once(engine: Engine) -> None:
    rows = [report(f"c{number}", churned=number % 2 == 0) for number in range(1_000)]
    barrier = threading.Barrier(2)

    def told(order: Sequence[Report]) -> list[str]:
        barrier.wait()
        return tell(engine, *order)

    with ThreadPoolExecutor(2) as pool:
        statuses = list(pool.map(told, (rows, rows[::-1])))
    assert {each for some in statuses for each in some} <= {"recorded", "known"}
    assert len(clients(engine)) == 1_000


def test_an_error_keeps_nothing(engine: Engine) -> None:
    away = build_engine("mysql+pymysql://root@127.0.0.1:1/none")
    with pytest.raises(OperationalError):
        tell(away, report("anna"))
    assert clients(engine) == []


def test_a_reporter_who_died_before_looking_again_is_made_up_for(engine: Engine, sink: LedgerSink) -> None:
    """Killed between its commit and its second look, after the shipper had looked in vain."""
    spooled, prediction_id = answer("anna")
    told = report(None, prediction_id)
    lost = outcome_store.Outcome(told.outcome_id, None, prediction_id, True, NOON, NOON, "test")
    sink.deliver([spooled])
    with engine.begin() as connection:
        outcome_store.add_many(connection, [lost])
    assert tell(engine, told) == ["known"]
    assert clients(engine) == ["anna"]


def test_looking_costs_one_query_where_nothing_waits(engine: Engine, sink: LedgerSink) -> None:
    spooled, prediction_id = answer("anna")
    sink.deliver([spooled])
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    assert settle(engine, [prediction_id]) == {}
    event.remove(engine, "before_cursor_execute", note)
    assert [each.split()[0] for each in statements if not each.startswith("BEGIN")] == ["SELECT"]
