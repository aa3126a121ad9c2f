"""The worker, as `flask worker` runs it, brings every webhook to a real receiver, through deaths and outages."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from sqlalchemy import Engine

from data.queue import Queue
from helpers.clock import SystemClock
from services.notifications import sweep
from tests.support.clock import StandingClock
from tests.support.databases import Database
from tests.support.deployment import Deployment
from tests.support.mailroom import MailRoom
from tests.support.peers import SmtpPeer
from tests.support.risk import Watched
from tests.support.webhook_peer import DROP, SECRET, TOKEN, WebhookPeer, webhook_server


@dataclass
class Office:
    """A worker's deployment between a database, Redis, a receiver of webhooks and a mail server."""

    deployment: Deployment
    watched: Watched
    peer: WebhookPeer
    mail: MailRoom

    def cross(self, number: int) -> list[str]:
        """The ids of the webhooks about clients that cross now."""
        before = {message.message_id for message in self.watched.messages()}
        self.watched.clock = StandingClock(SystemClock().now())
        for _ in range(number):
            self.watched.answer(f"client-{time.monotonic_ns()}", 0.9)
        self.watched.another().look()
        return [each.message_id for each in self.watched.messages() if each.message_id not in before]

    def sent(self, ids: list[str]) -> bool:
        return all(each.sent_at for each in self.watched.messages() if each.message_id in set(ids))

    def wait_for(self, condition: Callable[[], bool], seconds: float) -> None:
        """Sweeps meanwhile, as the schedule process does."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.deployment.log("worker")[-3000:]
            sweep(self.watched.engine, self.watched.queue, SystemClock())
            time.sleep(0.5)


@pytest.fixture
def office(
    database: Database,
    redis_client: redis.Redis,
    redis_url: str,
    smtp_peer: SmtpPeer,
    webhook_peer: WebhookPeer,
    tmp_path: Path,
) -> Iterator[Office]:
    environ = {"DATABASE_URL": database.url, "REDIS_URL": redis_url, "SMTP_URL": smtp_peer.url, **webhook_peer.environ}
    with Deployment(tmp_path, environ) as deployment:
        queue = Queue(redis_url)
        watched = Watched(database.engine, queue, redis_client, StandingClock(SystemClock().now()))
        yield Office(
            deployment, watched, webhook_peer, MailRoom(deployment, database.engine, queue, redis_client, smtp_peer)
        )


def test_each_crossing_arrives_exactly_once(office: Office) -> None:
    ids = office.cross(20)
    office.deployment.start("worker")
    office.wait_for(lambda: office.sent(ids), 60)
    assert sorted(office.peer.taken()) == sorted(ids)
    assert (office.peer.attempts, office.peer.forged, len(set(ids))) == (20, 0, 20)


@pytest.mark.slow
def test_all_arrive_under_their_ids_through_deaths_outages_and_a_redis_that_forgets(office: Office) -> None:
    """In turn: a worker killed with a webhook in its hand, Redis emptied, errors, a connection dropped."""
    made, peer = office.deployment, office.peer
    peer.hang.clear()
    ids = office.cross(10)
    made.start("worker")
    office.wait_for(lambda: peer.attempts == 1, 30)
    made.kill("worker")
    peer.hang.set()
    office.watched.redis.flushdb()

    statuses = [500, 204, DROP, 204, 429, 204, 302]
    peer.reply = lambda _attempt, _id: statuses.pop() if statuses else 204
    made.start("worker")
    office.wait_for(lambda: office.sent(ids), 120)
    assert set(peer.taken()) == set(ids)
    twice = [name for name, times in Counter(peer.taken()).items() if times > 1]
    assert len(twice) <= 1  # the one in hand at the kill: nobody can know whether it had arrived
    assert peer.forged == 0


@pytest.mark.slow
def test_a_receiver_that_was_not_there_gets_all_once_it_is(
    redis_client: redis.Redis, redis_url: str, smtp_peer: SmtpPeer, engine: Engine, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        with webhook_server() as peer:
            port = peer.port  # closed again, and free to be opened by the same peer
        environ = {"DATABASE_URL": engine.url.render_as_string(hide_password=False), "REDIS_URL": redis_url}
        made = stack.enter_context(Deployment(tmp_path, {**environ, "SMTP_URL": smtp_peer.url, **peer.environ}))
        queue = Queue(redis_url)
        watched = Watched(engine, queue, redis_client, StandingClock(SystemClock().now()))
        office = Office(made, watched, peer, MailRoom(made, engine, queue, redis_client, smtp_peer))
        made.start("worker")
        ids = office.cross(5)
        office.wait_for(lambda: any(each.error for each in watched.messages()), 30)
        stack.enter_context(webhook_server(peer))
        assert peer.port == port
        office.wait_for(lambda: office.sent(ids), 120)
        assert sorted(peer.taken()) == sorted(ids)
        assert TOKEN not in made.log("worker")
        assert SECRET not in made.log("worker")


@pytest.mark.slow
def test_mail_goes_on_while_the_receiver_hangs(office: Office) -> None:
    office.peer.hang.clear()
    office.cross(40)
    office.deployment.start("worker")
    office.wait_for(lambda: office.peer.attempts == 1, 30)
    posted = office.mail.post(10)
    office.wait_for(lambda: office.mail.settled(posted), 30)
    assert len(office.mail.peer.inbox) == 10
    assert office.peer.attempts <= 4  # with its timeouts in a row they would have taken minutes
    assert office.peer.deliveries == []
