"""The worker, as `flask worker` runs it, sends every mail that is due, and each as good as once."""

import json
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
import redis
from sqlalchemy import update

from data import notifications
from data.queue import Queue
from data.tables import notifications as table
from helpers.clock import SystemClock
from jobs.tasks import SEVERAL_SECONDS
from services.digest import make_digest
from tests.support.clock import StandingClock
from tests.support.deployment import Deployment, insert_config
from tests.support.mailroom import MailRoom, mail_deployment
from tests.support.peers import ACCEPT, DROP, SmtpPeer, smtp_server
from tests.support.risk import Watched


@pytest.fixture(scope="module")
def running(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Deployment, SmtpPeer]]:
    """One worker for the tests that leave it alive; on SQLite, since `test_worker_deaths` brings MariaDB in."""
    with smtp_server() as peer, mail_deployment(tmp_path_factory.mktemp("var"), "", redis_url, peer.url) as made:
        made.start("worker")
        yield made, peer


@pytest.fixture
def room(running: tuple[Deployment, SmtpPeer], redis_client: redis.Redis, redis_url: str) -> MailRoom:
    made, peer = running
    peer.reset()
    return MailRoom(made, made.engine, Queue(redis_url), redis_client, peer)


def test_mail_that_is_due_is_sent_once_and_noted(room: MailRoom) -> None:
    ids = room.post(20)
    room.wait_for(lambda: room.settled(ids), 30)
    assert sorted(room.peer.ids()) == sorted(room.message_ids(ids))
    received = room.peer.inbox[0]
    assert received.recipients == ["boss@example.com"]
    assert received.message["Subject"] == "High risk of leaving: 7590-VHVEG (63 %)"
    row = room.row(ids[0])
    assert (row.attempts, row.failed_at, row.claimed_until) == (1, None, None)
    assert room.queue.depth() == 0


def test_the_requests_id_is_in_the_workers_log(room: MailRoom) -> None:
    (one,) = room.post()
    room.wait_for(lambda: room.settled([one]), 10)
    lines = [json.loads(line) for line in room.deployment.log("worker").splitlines() if one in line]
    assert [(line["event"], line["request_id"]) for line in lines] == [("message_sent", "request-1")]


def test_a_repeated_record_sends_no_second_mail(room: MailRoom) -> None:
    (one,) = room.post()
    room.wait_for(lambda: room.settled([one]), 10)
    room.queue.enqueue([one, one])
    (two,) = room.post()
    room.wait_for(lambda: room.settled([two]), 10)
    assert room.peer.ids() == room.message_ids([one, two])


@pytest.mark.promise("P8")
def test_a_421_is_tried_again_soon(room: MailRoom) -> None:
    room.peer.reply = lambda attempt, _id: "421 busy" if attempt == 1 else ACCEPT
    (one,) = room.post()
    took = room.wait_for(lambda: room.settled([one]), 20)
    assert 5 <= took < 15
    row = room.row(one)
    assert (row.attempts, row.error, row.failed_at) == (2, None, None)
    assert room.peer.ids() == room.message_ids([one])


@pytest.mark.promise("P8")
def test_a_550_is_given_up_after_one_try(room: MailRoom) -> None:
    room.peer.reply = lambda _attempt, _id: "550 no such user"
    (one,) = room.post()
    room.wait_for(lambda: room.settled([one]), 10)
    row = room.row(one)
    assert row.error is not None
    assert (row.attempts, row.sent_at, row.error[:3]) == (1, None, "550")
    assert room.sweep() == 0
    assert room.peer.attempts == 1


@pytest.mark.promise("P8")
def test_a_connection_dropped_after_the_message_was_taken_repeats_it_under_its_id(room: MailRoom) -> None:
    room.peer.reply = lambda attempt, _id: DROP if attempt == 1 else ACCEPT
    (one,) = room.post()
    room.wait_for(lambda: room.settled([one]), 20)
    assert room.peer.ids() == room.message_ids([one, one])


def test_of_those_that_one_job_carries_each_is_tried_again_by_itself(room: MailRoom) -> None:
    room.peer.reply = lambda attempt, _id: "421 busy" if attempt == 2 else ACCEPT
    ids = room.post(4)
    room.wait_for(lambda: len(room.peer.inbox) == 3, 10)
    (waits,) = [one for one in ids if not room.settled([one])]
    room.wait_for(lambda: room.queue.waiting(ids) == {waits}, 5)
    room.wait_for(lambda: room.settled([waits]), 20)
    assert [room.row(one).attempts for one in ids] == [2 if one == waits else 1 for one in ids]
    assert sorted(room.peer.ids()) == sorted(room.message_ids(ids))


def test_what_one_job_does_not_reach_in_time_the_next_one_does(room: MailRoom) -> None:
    room.peer.reply = lambda _attempt, _id: time.sleep(SEVERAL_SECONDS / 4) or ACCEPT  # type: ignore[func-returns-value]
    ids = room.post(7)
    room.wait_for(lambda: room.settled(ids), 30)
    assert sorted(room.peer.ids()) == sorted(room.message_ids(ids))


def test_a_message_that_cannot_even_be_written_holds_up_no_other(room: MailRoom) -> None:
    ids = room.post(5, wake=False)
    broken = {"message": {"no": "letter"}}
    with room.engine.begin() as connection:
        connection.execute(update(table).where(table.c.message_id == ids[1]).values(broken))
    room.queue.enqueue(ids)
    room.wait_for(lambda: room.settled([ids[0], *ids[2:]]), 10)
    assert not room.settled(ids)


def test_only_those_put_off_get_it_later(room: MailRoom) -> None:
    tries: list[str] = []

    def reply(address: str) -> str:
        tries.append(address)
        return "451 greylisted" if address == "slow@example.com" and len(tries) < 3 else "250 ok"

    room.peer.recipient_reply = reply
    (one,) = room.post(wake=False)
    with room.engine.begin() as connection:
        notifications.narrow(connection, one, ["boss@example.com", "slow@example.com"])
    assert room.sweep() == 1
    room.wait_for(lambda: room.settled([one]), 20)
    assert [received.recipients for received in room.peer.inbox] == [["boss@example.com"], ["slow@example.com"]]


def test_what_redis_forgot_is_found_by_the_sweep(room: MailRoom) -> None:
    room.peer.holding = True
    ids = [one for _ in range(3) for one in room.post()]  # a job each
    room.wait_for(lambda: room.peer.attempts == 1, 10)  # the first is in hand
    room.redis.flushdb()
    room.peer.holding = False
    lost = room.post(2, wake=False)
    room.wait_for(lambda: room.settled(ids[:1]), 10)
    assert room.sweep() == 4
    room.wait_for(lambda: room.settled([*ids, *lost]), 20)
    assert sorted(room.peer.ids()) == sorted(room.message_ids([*ids, *lost]))
    assert room.sweep() == 0


def test_the_sweep_leaves_alone_what_will_come_by_itself(room: MailRoom) -> None:
    room.peer.reply = lambda attempt, _id: "421 busy" if attempt == 1 else ACCEPT
    (one,) = room.post()
    room.wait_for(lambda: room.row(one).error is not None, 10)
    assert room.sweep() == 0  # put off in the database
    with room.engine.begin() as connection:
        notifications.put_off(connection, one, SystemClock().now() - timedelta(seconds=1), "421")
    assert room.queue.waiting([one]) == {one}
    assert room.sweep() == 0  # and scheduled in Redis
    room.wait_for(lambda: room.settled([one]), 20)
    assert len(room.peer.inbox) == 1


def test_a_digest_goes_out_as_one_mail_though_two_make_it(room: MailRoom) -> None:
    noon = SystemClock().now().replace(hour=12)
    insert_config(room.engine, alert_recipients=["boss@example.com"])
    watched = Watched(room.engine, room.queue, room.redis, StandingClock(noon), webhooks=False)
    watched.answer("a/b", 0.9, noon - timedelta(days=1))
    watched.look()
    made = [make_digest(room.engine, watched.registry, room.queue, watched.clock) for _ in range(2)]
    assert made == [True, False]
    name = f"digest-{noon - timedelta(days=1):%Y-%m-%d}"
    room.wait_for(lambda: room.settled([name]), 20)
    (received,) = room.peer.inbox
    assert received.message_id == f"<{name}@localhost>"
    assert "1 entered, 0 left" in str(received.message["Subject"])
    assert {part.get_content_type() for part in received.message.walk()} >= {"text/plain", "text/html"}
