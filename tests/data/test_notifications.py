"""The mail that is due: added once, taken by one worker at a time, and settled for good."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine

from data import notifications
from data.notifications import MAIL, WEBHOOK, Notification
from helpers.ids import new_id

NOW = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
UNTIL = NOW + timedelta(minutes=5)


def due(created_at: datetime = NOW) -> Notification:
    recipients = ["retention@example.com", "ännä@example.com"]
    return Notification(new_id(), "7590-VHVEG", recipients, {"subject": "At risk 😀", "p": 0.63}, created_at)


def add(engine: Engine, *rows: Notification) -> int:
    with engine.begin() as connection:
        return notifications.add_many(connection, rows)


def claim(engine: Engine, row: Notification, now: datetime = NOW) -> bool:
    with engine.begin() as connection:
        return notifications.claim(connection, row.message_id, now, now + timedelta(minutes=5))


def find(engine: Engine, row: Notification) -> Notification | None:
    with engine.connect() as connection:
        return notifications.find(connection, row.message_id)


def pending(engine: Engine, now: datetime = NOW, limit: int = 10) -> list[str]:
    with engine.connect() as connection:
        return notifications.pending(connection, MAIL, now, limit)


def test_a_message_comes_back_and_is_added_once(engine: Engine) -> None:
    row = due()
    assert add(engine, row, due()) == 2
    assert add(engine, replace(row, recipients=[])) == 0
    assert find(engine, row) == row
    assert find(engine, due()) is None


def test_one_of_many_workers_gets_it(engine: Engine) -> None:
    row = due()
    add(engine, row)
    with ThreadPoolExecutor(6) as pool:
        got = list(pool.map(lambda _: claim(engine, row), range(12)))
    assert sum(got) == 1
    assert find(engine, row) == replace(row, claimed_until=UNTIL, attempts=1)


def test_the_claim_of_a_dead_worker_lapses(engine: Engine) -> None:
    row = due()
    add(engine, row)
    assert claim(engine, row)
    assert not claim(engine, row, UNTIL - timedelta(microseconds=1))
    assert pending(engine, UNTIL - timedelta(microseconds=1)) == []
    assert pending(engine, UNTIL) == [row.message_id]
    assert claim(engine, row, UNTIL)
    found = find(engine, row)
    assert found
    assert found.attempts == 2


def _send(connection: Connection, message_id: str) -> None:
    notifications.mark_sent(connection, message_id, UNTIL)


def _give_up(connection: Connection, message_id: str) -> None:
    notifications.mark_failed(connection, message_id, UNTIL, "550 no such mailbox")


@pytest.mark.parametrize("settle", [_send, _give_up])
def test_a_settled_message_stays_settled(engine: Engine, settle: Callable[[Connection, str], None]) -> None:
    row = due()
    add(engine, row)
    claim(engine, row)
    with engine.begin() as connection:
        settle(connection, row.message_id)
    settled = find(engine, row)
    with engine.begin() as connection:
        notifications.mark_sent(connection, row.message_id, UNTIL + timedelta(days=1))
        notifications.mark_failed(connection, row.message_id, UNTIL + timedelta(days=1), "late")
        notifications.put_off(connection, row.message_id, UNTIL, "late")
    assert find(engine, row) == settled
    assert not claim(engine, row, UNTIL + timedelta(days=1))
    assert pending(engine, UNTIL + timedelta(days=1)) == []


def test_what_a_settled_message_says(engine: Engine) -> None:
    sent, failed = due(), due()
    add(engine, sent, failed)
    with engine.begin() as connection:
        _send(connection, sent.message_id)
        _give_up(connection, failed.message_id)
    assert find(engine, sent) == replace(sent, sent_at=UNTIL)
    assert find(engine, failed) == replace(failed, failed_at=UNTIL, error="550 no such mailbox")


def test_a_message_put_off_waits_and_keeps_the_reason(engine: Engine) -> None:
    row = due()
    add(engine, row)
    claim(engine, row)
    with engine.begin() as connection:
        notifications.put_off(connection, row.message_id, UNTIL, "421 " + "x" * 100_000)
    found = find(engine, row)
    assert found
    assert found.error
    assert found.error.startswith("421 xxx")
    assert pending(engine, UNTIL - timedelta(seconds=1)) == []
    assert claim(engine, row, UNTIL)


def test_the_oldest_pending_come_first(engine: Engine) -> None:
    rows = [due(NOW + timedelta(seconds=second)) for second in range(5)]
    add(engine, *reversed(rows))
    assert pending(engine, limit=3) == [row.message_id for row in rows[:3]]


def test_a_message_narrowed_to_whom_it_did_not_reach(engine: Engine) -> None:
    row = due()
    add(engine, row)
    with engine.begin() as connection:
        notifications.narrow(connection, row.message_id, row.recipients[1:])
    assert find(engine, row) == replace(row, recipients=row.recipients[1:])


def test_each_channel_waits_for_itself(engine: Engine) -> None:
    mail, hook = due(), replace(due(), channel=WEBHOOK, client_id=None, recipients=[])
    add(engine, mail, hook)
    assert find(engine, hook) == hook
    with engine.connect() as connection:
        assert notifications.pending(connection, MAIL, NOW, 10) == [mail.message_id]
        assert notifications.pending(connection, WEBHOOK, NOW, 10) == [hook.message_id]


@pytest.mark.parametrize("name", ["", "a.b", "a b", "x" * 65, "a\n"])
def test_an_id_that_no_job_could_carry_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="id of a message"):
        replace(due(), message_id=name)
