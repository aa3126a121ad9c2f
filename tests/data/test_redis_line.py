"""One connection a thread, on which no reply is ever taken for that of another command."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from redis import ConnectionError as RedisConnectionError
from redis import Redis, ResponseError
from redis import TimeoutError as RedisTimeoutError

from data.client_activity import ClientActivity
from data.redis_client import build_redis
from data.redis_line import RedisLine
from helpers.failsoft import FailSoft
from tests.support.own_redis import OwnRedis, own_redis
from tests.support.proxy import Proxy

TIMEOUT = 0.5


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRedis]:
    with own_redis(tmp_path_factory.mktemp("line") / "redis") as made:
        yield made


@pytest.fixture
def line(server: OwnRedis) -> Iterator[RedisLine]:
    with build_redis(server.url, TIMEOUT) as redis:
        yield RedisLine(redis)


def client_id(line: RedisLine) -> int:
    """How the server names the connection of this thread."""
    found: int = line.send("CLIENT", "ID")()
    return found


def test_what_is_done_meanwhile_does_not_change_the_reply(line: RedisLine, server: OwnRedis) -> None:
    reply = line.send("ECHO", "one")
    with Redis.from_url(server.url) as other:
        assert other.ping()
    assert reply() == b"one"


def test_a_thread_keeps_its_connection_and_shares_it_with_none(line: RedisLine) -> None:
    own = {client_id(line) for _ in range(3)}
    others: list[int] = []
    threads = [threading.Thread(target=lambda: others.append(client_id(line))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(own) == 1
    assert len(own | set(others)) == 5


def test_threads_get_their_own_replies(line: RedisLine) -> None:
    wrong: list[Any] = []

    def echo(name: str) -> None:
        for number in range(200):
            said = f"{name}-{number}"
            if line.send("ECHO", said)() != said.encode():
                wrong.append(said)

    threads = [threading.Thread(target=echo, args=[f"thread {n}"]) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_reply_that_nobody_read_is_not_taken_for_the_next(line: RedisLine) -> None:
    line.send("ECHO", "abandoned")
    assert line.send("ECHO", "asked for")() == b"asked for"
    assert line.send("ECHO", "and the next")() == b"and the next"


def test_a_command_that_is_refused_leaves_the_line_in_order(line: RedisLine) -> None:
    with pytest.raises(ResponseError):
        line.send("NO-SUCH-COMMAND")()
    assert line.send("ECHO", "one")() == b"one"


def test_a_late_reply_is_not_taken_for_the_next(line: RedisLine, server: OwnRedis) -> None:
    assert line.send("ECHO", "warm")() == b"warm"
    server.server.freeze()
    try:
        with pytest.raises(RedisTimeoutError):
            line.send("ECHO", "late")()
    finally:
        server.server.thaw()
    assert line.send("ECHO", "asked for")() == b"asked for"


def test_a_server_that_restarted_is_not_noticed(line: RedisLine, server: OwnRedis) -> None:
    assert line.send("ECHO", "one")() == b"one"
    server.server.kill()
    server.server.start()
    assert line.send("ECHO", "two")() == b"two"


def test_a_connection_that_the_server_closed_is_opened_anew(line: RedisLine, server: OwnRedis) -> None:
    for between in (False, True):
        closed, reply = client_id(line), None
        if between:
            reply = line.send("ECHO", "one")
        with Redis.from_url(server.url) as admin:
            admin.client_kill_filter(_id=str(closed))
        assert (reply or line.send("ECHO", "one"))() == b"one"


def test_a_server_that_is_gone_raises_at_once(server: OwnRedis) -> None:
    with Proxy("127.0.0.1", server.server.port) as proxy, build_redis(f"redis://127.0.0.1:{proxy.port}/0") as redis:
        proxied = RedisLine(redis)
        assert proxied.send("ECHO", "one")() == b"one"
        proxy.become("refuse")
        started = time.monotonic()
        with pytest.raises(RedisConnectionError):
            proxied.send("ECHO", "two")()
        assert time.monotonic() - started < TIMEOUT
        proxy.become("pass")
        assert proxied.send("ECHO", "three")() == b"three"


@pytest.mark.promise("P6")
@pytest.mark.parametrize("warm", [True, False], ids=["connected", "not connected yet"])
def test_a_server_that_hangs_costs_one_timeout_a_call_and_three_calls(server: OwnRedis, warm: bool) -> None:
    with build_redis(server.url, TIMEOUT) as redis:
        activity, guard = ClientActivity(redis), FailSoft("redis")

        def sight() -> Any:
            return guard.begin(lambda: activity.sight(["a"], 1000.0, 60), default=None)()

        if warm:
            assert sight() is not None
        server.server.freeze()
        try:
            spent = []
            for _ in range(5):
                started = time.monotonic()
                assert sight() is None
                spent.append(time.monotonic() - started)
        finally:
            server.server.thaw()
    assert all(each < 2 * TIMEOUT for each in spent[:3])
    assert all(each < TIMEOUT / 4 for each in spent[3:])
    assert guard.resting


def test_a_forked_process_has_a_connection_of_its_own(line: RedisLine) -> None:
    own = client_id(line)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, str(client_id(line)).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        theirs = pipe.read()
    os.waitpid(child, 0)
    assert int(theirs) != own
    assert client_id(line) == own


@contextmanager
def losing_the_first_answer(port: int) -> Iterator[int]:
    """A way to the server that passes commands on, and closes instead of giving back the first answer to an EVAL."""
    lost = threading.Event()

    def serve(near: socket.socket) -> None:
        with near, socket.create_connection(("127.0.0.1", port)) as far:
            while asked := near.recv(65_536):
                far.sendall(asked)
                answer = far.recv(65_536)
                if b"EVAL" in asked and not lost.is_set():
                    lost.set()
                    return
                near.sendall(answer)

    def accept(door: socket.socket) -> None:
        try:
            while True:
                threading.Thread(target=serve, args=[door.accept()[0]], daemon=True).start()
        except OSError:
            return

    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=accept, args=[door], daemon=True).start()
        yield door.getsockname()[1]
        assert lost.is_set()
        door.shutdown(socket.SHUT_RDWR)


def test_a_sighting_whose_answer_was_lost_counts_once(server: OwnRedis) -> None:
    with losing_the_first_answer(server.server.port) as port, build_redis(f"redis://127.0.0.1:{port}/0") as redis:
        activity = ClientActivity(redis)
        seen = [activity.sight(["lost"], 1000.0 + n, 60)().earlier for n in range(3)]
    assert seen == [(0,), (1,), (2,)]


def test_a_client_twice_in_one_batch_is_seen_by_itself(server: OwnRedis) -> None:
    with build_redis(server.url) as redis:
        told = ClientActivity(redis).sight(["twin", "other", "twin"], 1000.0, 60)()
    assert told.earlier == (0, 0, 1)


def test_a_client_of_many_sightings_is_remembered_to_a_thousand(server: OwnRedis) -> None:
    with build_redis(server.url) as redis:
        activity = ClientActivity(redis)
        seen = [activity.sight(["often"], 1000.0 + n / 1000, 60)().earlier[0] for n in range(1_003)]
        assert seen == [*range(1_001), 1_000, 1_000]
        assert redis.zcard("holdfast:seen:often") == 1_000
        assert redis.ttl("holdfast:seen:often") > 0
        assert activity.sight(["often"], 1100.0, 60)().earlier == (0,)
