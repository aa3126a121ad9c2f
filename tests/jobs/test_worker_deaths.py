"""What becomes of mail when its worker stops, dies, or loses Redis."""

import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import redis

from data.engine import build_engine
from data.queue import Queue
from tests.support.databases import Database
from tests.support.mailroom import MailRoom, mail_deployment, proxied
from tests.support.peers import ACCEPT, SmtpPeer


@pytest.fixture
def room(
    database: Database, redis_client: redis.Redis, redis_url: str, smtp_peer: SmtpPeer, tmp_path: Path
) -> Iterator[MailRoom]:
    """A room whose processes the test starts and kills."""
    with mail_deployment(tmp_path, database.url, redis_url, smtp_peer.url) as made:
        yield MailRoom(made, database.engine, Queue(redis_url), redis_client, smtp_peer)


@pytest.mark.slow
@pytest.mark.promise("P8")
def test_all_mail_is_sent_though_workers_are_killed_and_redis_is_emptied(room: MailRoom) -> None:
    """One worker is killed with a message in its hand, one between messages just before Redis forgets all."""
    made, peer = room.deployment, room.peer
    made.start("schedule")
    made.start("worker")
    peer.holding = True
    ids = room.post(5)
    room.wait_for(lambda: peer.attempts == 1, 30)
    killed = time.monotonic()
    made.kill("worker")
    peer.reply = lambda attempt, _id: "451 the caller is gone" if attempt == 1 else ACCEPT
    peer.holding = False

    made.start("worker")
    room.wait_for(lambda: len(peer.inbox) == 4, 30)
    ids += room.post(5)
    room.wait_for(lambda: len(peer.inbox) >= 6, 30)
    made.kill("worker")
    room.redis.flushdb()

    made.start("worker")
    room.wait_for(lambda: room.settled(ids), 90 - (time.monotonic() - killed))
    assert set(peer.ids()) == set(room.message_ids(ids))
    assert len(peer.ids()) - len(ids) <= 1  # killed between the server's reply and the note of it
    in_hand = [one for one in ids if room.row(one).attempts > 1]
    assert peer.ids().count(room.message_ids(in_hand)[0]) == 1


def test_a_worker_stops_in_order(
    redis_client: redis.Redis, redis_url: str, smtp_peer: SmtpPeer, tmp_path: Path
) -> None:
    with mail_deployment(tmp_path, "", redis_url, smtp_peer.url) as made:
        room = MailRoom(made, made.engine, Queue(redis_url), redis_client, smtp_peer)
        made.start("worker")
        ids = room.post(1)
        room.wait_for(lambda: room.settled(ids), 30)
        process = made.processes["worker"]
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert time.monotonic() - started < 5
        assert (tmp_path / "worker.heartbeat").exists()


@pytest.mark.slow
def test_a_worker_outlives_a_redis_that_hangs_and_one_that_goes_away(
    redis_client: redis.Redis, redis_url: str, smtp_peer: SmtpPeer, tmp_path: Path
) -> None:
    with (
        proxied(redis_url) as (proxy, through),
        mail_deployment(tmp_path, "", through, smtp_peer.url) as made,
    ):
        room = MailRoom(made, made.engine, Queue(redis_url), redis_client, smtp_peer)
        proxy.become("refuse")
        made.start("worker")
        time.sleep(5)  # long enough for it to have met the closed port
        for mode in ("hang", "refuse", "pass"):
            proxy.become("pass")
            (one,) = room.post()
            room.wait_for(partial(room.settled, [one]), 40)
            proxy.become(mode)
            time.sleep(3)
        assert made.processes["worker"].poll() is None


@pytest.mark.slow
def test_a_worker_outlives_a_database_that_goes_away(
    mariadb_url: str, redis_client: redis.Redis, redis_url: str, smtp_peer: SmtpPeer, tmp_path: Path
) -> None:
    direct = build_engine(mariadb_url)
    with (
        proxied(mariadb_url, 3306) as (proxy, through),
        mail_deployment(tmp_path, through, redis_url, smtp_peer.url) as made,
    ):
        room = MailRoom(made, direct, Queue(redis_url), redis_client, smtp_peer)
        made.start("worker")
        first = room.post()
        room.wait_for(lambda: room.settled(first), 30)
        proxy.become("refuse")
        second = room.post()
        room.wait_for(lambda: "message_waits_for_database" in made.log("worker"), 30)
        proxy.become("pass")
        room.wait_for(lambda: room.settled(second), 30)
    assert smtp_peer.ids() == room.message_ids([*first, *second])
    assert "Traceback" not in made.log("worker")
    direct.dispose()
