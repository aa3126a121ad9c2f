"""What was done is recorded once, also when two tell of it at the same time."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta, timezone

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import OperationalError

from data import action_store, prediction_log
from data.engine import build_engine
from data.tables import actions, audit_log, client_latest
from helpers.ids import new_id
from services.actions import Deed, record, settle
from tests.support.clock import StandingClock
from tests.support.ledger import NOON, row

CLOCK = StandingClock(NOON)


def deed(client_id: str = "anna", kind: str = "call", by: str = "Mia", prediction_id: str | None = None) -> Deed:
    return Deed.model_construct(client_id=client_id, kind=kind, at=NOON, by=by, prediction_id=prediction_id)


def test_each_deed_has_its_receipt(engine: Engine) -> None:
    told = [deed(), deed(kind="gift"), deed(), deed(prediction_id=new_id()), deed(by="Ben"), deed("Anna")]
    first = record(engine, CLOCK, told)
    assert [each.status for each in first] == ["recorded", "recorded", "known", "recorded", "recorded", "recorded"]
    again = record(engine, CLOCK, told)
    assert {each.status for each in again} == {"known"}
    assert [each.action_id for each in again] == [each.action_id for each in first]
    with engine.connect() as connection:
        assert len(action_store.of_client(connection, "anna", 9)) == 4


def test_a_zone_makes_no_other_deed() -> None:
    east = NOON.astimezone(timezone(timedelta(hours=9)))
    assert deed().model_copy(update={"at": east}).action_id == deed().action_id


def test_the_same_deeds_told_by_two_at_once_are_kept_once(engine: Engine) -> None:
    rows = [deed(f"c{number}") for number in range(1_000)]
    barrier = threading.Barrier(2)

    def tell(order: list[Deed]) -> None:
        barrier.wait()
        record(engine, CLOCK, order)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(tell, (rows, rows[::-1])))
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(actions)) == 1_000
        assert all(len(action_store.of_client(connection, each.client_id, 9)) == 1 for each in rows[:20])


def test_a_prediction_of_another_client_is_refused_once_the_ledger_has_it(engine: Engine) -> None:
    answered = row("anna")
    wrong, right = deed("bert", prediction_id=answered.prediction_id), deed(prediction_id=answered.prediction_id)
    with engine.begin() as connection:
        prediction_log.append_many(connection, [answered])
    told = record(engine, CLOCK, [wrong, right, wrong, right])
    assert [each.status for each in told] == ["refused", "recorded", "refused", "known"]
    with engine.connect() as connection:
        assert action_store.of_client(connection, "bert", 9) == []


def test_a_deed_that_comes_before_another_client_s_prediction_is_taken_out(engine: Engine) -> None:
    """Whatever comes first, the same is left: its mark on the call list goes with it."""
    answered = row("anna")
    early = [deed("bert", prediction_id=answered.prediction_id), deed(prediction_id=answered.prediction_id)]
    with engine.begin() as connection:
        prediction_log.append_many(connection, [row("bert")])
    assert [each.status for each in record(engine, CLOCK, early)] == ["recorded", "recorded"]
    with engine.begin() as connection:
        prediction_log.append_many(connection, [answered])
    assert settle(engine, [answered.prediction_id]) == {early[0].action_id}
    assert settle(engine, [answered.prediction_id]) == set()
    with engine.connect() as connection:
        assert action_store.of_client(connection, "bert", 9) == []
        assert len(action_store.of_client(connection, "anna", 9)) == 1
        marked = connection.execute(select(client_latest.c.client_id, client_latest.c.contacted_at)).all()
        (noted,) = connection.execute(select(audit_log).where(audit_log.c.subject == answered.prediction_id)).all()
    assert {each.client_id: each.contacted_at for each in marked} == {"anna": NOON, "bert": None}
    assert (noted.action, noted.actor, noted.details["client_id"]) == ("action_refused", "Mia", "bert")
    assert [each.status for each in record(engine, CLOCK, early)] == ["refused", "known"]


def test_an_error_is_no_receipt() -> None:
    with pytest.raises(OperationalError):
        record(build_engine("mysql+pymysql://root@127.0.0.1:1/none"), CLOCK, [deed()])
