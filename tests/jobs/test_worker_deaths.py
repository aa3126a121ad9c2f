"""What becomes of mail when its worker stops, dies, or loses Redis."""

import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from data.queue import JOB_SECONDS, Queue
from tests.support.databases import Database
from tests.support.mailroom import MailRoom, mail_deployment
from tests.support.peers import ACCEPT, SmtpPeer
from tests.support.proxy import Proxy
from tests.support.services import REDIS_URL


@pytest.fixture
def room(
    database: Database, redis_client: redis.Redis, redis_url: str, smtp_peer: SmtpPeer, tmp_path: Path
) -> Iterator[MailRoom]:
    """A room whose processes the test starts and kills."""
    with mail_deployment(tmp_path, database.url, redis_url, smtp_peer.url) as made:
        yield MailRoom(made, database.engine, Queue(redis_url), redis_client, smtp_peer)


@pytest.mark.slow
def test_mail_in_the_hand_of_a_killed_worker_is_sent_within_90_seconds(room: MailRoom) -> None:
    made = room.deployment
    made.start("worker")
    made.start("schedule")
    room.peer.holding = True
    (one,) = room.post()
    room.wait_for(lambda: room.peer.attempts == 1, 30)
    made.kill("worker")
    room.peer.reply = lambda attempt, _id: "451 the caller is gone" if attempt == 1 else ACCEPT
    room.peer.holding = False
    made.start("worker")
    took = room.wait_for(lambda: room.settled([one]), 90)
    assert took > JOB_SECONDS / 2  # nobody took it from a worker that might still have been sending
    assert room.peer.ids() == room.message_ids([one])
    assert room.row(one).attempts == 2


@pytest.mark.slow
def test_twenty_mails_survive_killed_workers_and_an_emptied_redis(room: MailRoom) -> None:
    made = room.deployment
    room.peer.reply = lambda attempt, _id: "421 busy" if attempt % 10 == 0 else ACCEPT
    made.start("schedule")
    ids = []
    for round_number in range(4):
        made.start("worker")
        ids += room.post(10)
        taken = len(room.peer.inbox)
        room.wait_for(lambda: len(room.peer.inbox) >= taken + 3, 30)  # noqa: B023
        made.kill("worker")
        if round_number == 2:
            room.redis.flushdb()
    made.start("worker")
    room.wait_for(lambda: room.settled(ids), 120)
    assert set(room.peer.ids()) == set(room.message_ids(ids))
    assert len(room.peer.ids()) - len(ids) <= 4  # one for each kill, at most


def test_a_worker_stops_in_order(room: MailRoom) -> None:
    room.deployment.start("worker")
    (one,) = room.post()
    room.wait_for(lambda: room.settled([one]), 20)
    process = room.deployment.processes["worker"]
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert time.monotonic() - started < 3
    assert (room.deployment.var_dir / "worker.heartbeat").exists()


@pytest.mark.slow
def test_a_worker_outlives_a_redis_that_hangs_and_one_that_goes_away(
    database: Database, redis_client: redis.Redis, redis_url: str, smtp_peer: SmtpPeer, tmp_path: Path
) -> None:
    address = urlsplit(REDIS_URL)
    with Proxy(address.hostname or "127.0.0.1", address.port or 6379) as proxy:
        proxy.become("refuse")
        through = urlsplit(redis_url)._replace(netloc=f"127.0.0.1:{proxy.port}").geturl()
        with mail_deployment(tmp_path, database.url, through, smtp_peer.url) as made:
            room = MailRoom(made, database.engine, Queue(redis_url), redis_client, smtp_peer)
            made.start("worker")
            time.sleep(5)  # long enough for it to have met the closed port
            for mode in ("hang", "refuse"):
                proxy.become("pass")
                (one,) = room.post()
                room.wait_for(partial(room.settled, [one]), 30)
                proxy.become(mode)
                time.sleep(3)
            proxy.become("pass")
            (one,) = room.post()
            room.wait_for(partial(room.settled, [one]), 40)
            assert made.processes["worker"].poll() is None
