"""How a message is claimed, sent, put off and given up."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

from data import notifications
from data.delivery import Refused, Unavailable
from data.mail_message import Message, as_mime
from data.mailer import Mailer
from data.notifications import MAIL, Notification
from services.letters import Letterhead, Letters
from services.notifications import CLAIM, GIVE_UP_AFTER, Senders, deliver, due_mail
from tests.support.clock import StandingClock
from tests.support.letters import ledger_row

HEAD = Letterhead("holdfast@example.com")
START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


class Postbox:
    """A mailer that keeps what it gets, or raises what it is told."""

    def __init__(self, trouble: Exception | None = None) -> None:
        self.trouble = trouble
        self.sent: list[Message] = []
        self.during = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def send(self, message: Message) -> None:
        self.during.set()
        self.go_on.wait(10)
        if self.trouble is not None:
            raise self.trouble
        self.sent.append(message)


def by_mail(box: Mailer) -> Senders:
    return {MAIL: Letters(box, HEAD)}


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock(START)


def post(engine: Engine, recipients: tuple[str, ...] = ("boss@example.com",)) -> str:
    due = due_mail(ledger_row(answered_at=START), {"recipients": recipients})
    assert due is not None
    with engine.begin() as connection:
        notifications.add_many(connection, [due])
    return due.message_id


def row(engine: Engine, message_id: str) -> Notification:
    with engine.connect() as connection:
        found = notifications.find(connection, message_id)
    assert found is not None
    return found


def test_two_workers_at_once_send_it_once(engine: Engine, clock: StandingClock) -> None:
    one, slow, other = post(engine), Postbox(), Postbox()
    slow.go_on.clear()
    first = threading.Thread(target=deliver, args=(engine, by_mail(slow), clock, one))
    first.start()
    assert slow.during.wait(10)
    assert deliver(engine, by_mail(other), clock, one) is None
    slow.go_on.set()
    first.join()
    assert (len(slow.sent), other.sent) == (1, [])
    assert row(engine, one).sent_at == START


def test_the_claim_of_a_worker_that_vanished_lapses(engine: Engine, clock: StandingClock) -> None:
    one, box = post(engine), Postbox()
    with engine.begin() as connection:
        assert notifications.claim(connection, one, clock.now(), clock.now() + CLAIM)
    clock.move(CLAIM - timedelta(seconds=1))
    deliver(engine, by_mail(box), clock, one)
    assert box.sent == []
    clock.move(timedelta(seconds=1))
    deliver(engine, by_mail(box), clock, one)
    assert len(box.sent) == 1


def test_pauses_grow_and_end_at_ten_minutes(engine: Engine, clock: StandingClock) -> None:
    one, box, pauses = post(engine), Postbox(Unavailable("421 busy")), []
    for _ in range(7):
        pause = deliver(engine, by_mail(box), clock, one)
        assert pause is not None
        assert deliver(engine, by_mail(Postbox()), clock, one) is None  # nobody gets it before the pause is over
        pauses.append(pause)
        clock.move(timedelta(seconds=pause))
    assert pauses == [5, 15, 45, 135, 405, 600, 600]
    assert row(engine, one).error == "421 busy"


def test_after_four_days_it_is_given_up(engine: Engine, clock: StandingClock) -> None:
    one = post(engine)
    clock.move(GIVE_UP_AFTER + timedelta(seconds=1))
    assert deliver(engine, by_mail(Postbox(Unavailable("421 busy"))), clock, one) is None
    found = row(engine, one)
    assert found.failed_at == clock.now()
    assert found.error is not None
    assert "421 busy" in found.error


def test_a_refusal_is_final(engine: Engine, clock: StandingClock) -> None:
    one, box = post(engine), Postbox()
    deliver(engine, by_mail(Postbox(Refused("550 no such user"))), clock, one)
    clock.move(timedelta(days=1))
    deliver(engine, by_mail(box), clock, one)
    assert box.sent == []
    assert row(engine, one).error == "550 no such user"


def test_an_address_that_is_none_is_final(engine: Engine, clock: StandingClock) -> None:
    one = post(engine, ("not an address",))
    deliver(engine, by_mail(_Strict()), clock, one)
    assert row(engine, one).failed_at == START


class _Strict:
    """Refuses as the real mailers do, by writing the message out."""

    def send(self, message: Message) -> None:
        as_mime(message)


def test_only_those_who_lack_it_are_tried_again(engine: Engine, clock: StandingClock) -> None:
    one, box = post(engine, ("a@example.com", "b@example.com")), Postbox()
    deliver(engine, by_mail(Postbox(Unavailable("b: 451", ("b@example.com",)))), clock, one)
    clock.move(timedelta(minutes=1))
    deliver(engine, by_mail(box), clock, one)
    assert box.sent[0].recipients == ("b@example.com",)


def test_a_database_that_stumbles_after_the_sending_repeats_nothing(engine: Engine, clock: StandingClock) -> None:
    one, box, failures = post(engine), Postbox(), [OperationalError("x", {}, Exception("gone")) for _ in range(2)]

    def stumble(*_: Any) -> None:
        if box.sent and failures:
            raise failures.pop()

    event.listen(engine, "before_cursor_execute", stumble)
    try:
        deliver(engine, by_mail(box), clock, one)
    finally:
        event.remove(engine, "before_cursor_execute", stumble)
    assert failures == []
    assert row(engine, one).sent_at == START
    assert len(box.sent) == 1


def test_an_unknown_id_is_nothing_to_do(engine: Engine, clock: StandingClock) -> None:
    assert deliver(engine, by_mail(Postbox()), clock, "019abc") is None


@pytest.mark.parametrize("email", [None, {"recipients": []}])
def test_no_recipient_no_mail(email: dict[str, Any] | None) -> None:
    assert due_mail(ledger_row(), email) is None
