"""The faults that a soak draws from. Each is undone when its function returns."""

import random
import time
from collections.abc import Callable, Iterator, Mapping

import psutil
from redis import Redis

from faults.p18_dropped_connections import drop_connections
from faults.world import World
from tests.support.own_server import OwnServer
from tests.support.peers import ACCEPT

SECONDS = 15.0
Strike = Callable[[World], object]


def kill_web_worker(world: World) -> None:
    """The youngest: the others live long enough for their memory to be judged."""
    max(world.deployment.web_workers(), key=psutil.Process.create_time).kill()


def restart_web(world: World) -> None:
    world.deployment.stop("web")
    world.deployment.start("web")


def _freeze(server: OwnServer) -> None:
    server.freeze()
    time.sleep(SECONDS)
    server.thaw()


def _kill(server: OwnServer) -> None:
    server.kill()
    time.sleep(SECONDS / 3)
    server.start()


def kill_worker_tree(world: World) -> None:
    world.deployment.kill("worker")
    world.deployment.start("worker")


def freeze_database(world: World) -> None:
    _freeze(world.mariadb.server)


def kill_database(world: World) -> None:
    _kill(world.mariadb.server)


def drop_database_connections(world: World) -> None:
    drop_connections(world.mariadb)


def freeze_redis(world: World) -> None:
    _freeze(world.redis.server)


def kill_redis(world: World) -> None:
    _kill(world.redis.server)


def flush_redis(world: World) -> None:
    with Redis.from_url(world.redis.url) as client:
        client.flushall()


def busy_mail_server(world: World) -> None:
    world.smtp.reply = lambda _attempt, _message_id: "421 busy, come again"
    time.sleep(SECONDS)
    world.smtp.reply = lambda _attempt, _message_id: ACCEPT


def refuse_archive(world: World) -> None:
    world.s3_way.become("refuse")
    time.sleep(SECONDS)
    world.s3_way.become("pass")


STRIKES: Mapping[str, Strike] = {
    "web worker killed": kill_web_worker,
    "web restarted in order": restart_web,
    "worker tree killed": kill_worker_tree,
    "database frozen": freeze_database,
    "database killed and restarted": kill_database,
    "database connections dropped": drop_database_connections,
    "Redis frozen": freeze_redis,
    "Redis killed and restarted": kill_redis,
    "Redis emptied": flush_redis,
    "mail server answers 421": busy_mail_server,
    "archive refused": refuse_archive,
}
FRESH_STARTS = frozenset({"web restarted in order", "worker tree killed"})
"""After these a process must warm up anew before its memory can be judged."""


def drawn(draw: random.Random, calm: Callable[[], bool]) -> Iterator[str]:
    """Names without end: all of them in a new order, again and again; without FRESH_STARTS while it is `calm`."""
    while True:
        for name in draw.sample(sorted(STRIKES), len(STRIKES)):
            if not (calm() and name in FRESH_STARTS):
                yield name
