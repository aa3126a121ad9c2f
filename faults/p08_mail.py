"""P8: every mail that is due is sent, and none for nothing."""

import random
import time
from collections import Counter

from redis import Redis

from data.queue import Queue
from faults.finding import Finding
from faults.world import Database, Servers
from tests.support.mailroom import MailRoom
from tests.support.peers import ACCEPT, DROP, DROP_BEFORE, SmtpPeer, smtp_server

UNKNOWN = "nobody@example.com"
SETTLE_SECONDS = 240.0
BUSY_REPLY = "421 busy"
MOODS = {BUSY_REPLY: 0.05, DROP: 0.03, DROP_BEFORE: 0.03, ACCEPT: 0.89}
MAIL_SECONDS = 0.02
"""What the mail server takes for one, so that there is something to be killed in."""


class Moody:
    """Replies of a mail server that is busy at times, and at times hangs up, before or after it has taken a message."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self.said: Counter[str] = Counter()

    def __call__(self, _attempt: int, _message_id: str) -> str:
        time.sleep(MAIL_SECONDS)
        (reply,) = self._draw.choices(list(MOODS), list(MOODS.values()))
        self.said[reply] += 1
        return reply


def try_it(
    servers: Servers, database: Database = "MariaDB", *, due: int = 600, refused: int = 20, kills: int = 20
) -> Finding:
    with (
        smtp_server() as peer,
        servers.service(database, "schedule", "worker", SMTP_URL=peer.url) as deployment,
        Redis.from_url(servers.redis.url) as redis,
    ):
        peer.reply = moody = Moody(random.Random(due))
        peer.recipient_reply = lambda address: "550 no such user" if address == UNKNOWN else "250 ok"
        room = MailRoom(deployment, deployment.engine, Queue(servers.redis.url), redis, peer)
        ids, hopeless = room.post(due), room.post(refused, to=UNKNOWN)
        _kill_workers(room, kills, due // (kills + 2))
        seconds = room.wait_for(lambda: room.settled([*ids, *hopeless]), SETTLE_SECONDS)
        dead = sum(row.failed_at is not None and row.attempts == 1 for row in map(room.row, hopeless))
    came, wanted, drops = Counter(peer.ids()), set(room.message_ids(ids)), moody.said[DROP]
    again = came.total() - len(came)
    return Finding(
        promise="P8",
        on=database,
        fault=f"{kills} worker trees killed, Redis emptied twice, {moody.said[BUSY_REPLY]} × 421,"
        f" {drops} connections dropped after the message was taken, {moody.said[DROP_BEFORE]} before",
        count=f"{due} due, {refused} to an unknown address",
        figure=f"{len(wanted & set(came))}/{due} came, {len(set(came) - wanted)} for nothing, {again} again under the"
        f" same Message-ID; {dead}/{refused} given up after one 550; settled {seconds:.0f} s after the last kill",
        holds=set(came) == wanted and again <= drops + kills and dead == refused,
    )


def _kill_workers(room: MailRoom, kills: int, mails_between: int) -> None:
    """Redis is emptied after a third and after two thirds of the kills, while no worker is there."""
    for number in range(kills):
        _wait_for_mail(room.peer, mails_between)
        room.deployment.kill("worker")
        if number in {kills // 3, 2 * kills // 3}:
            room.redis.flushall()
        room.deployment.start("worker")


def _wait_for_mail(peer: SmtpPeer, number: int, seconds: float = 15.0) -> None:
    """Until so many more came, or nothing is left but what has to wait."""
    goal, until = len(peer.inbox) + number, time.monotonic() + seconds
    while len(peer.inbox) < goal and time.monotonic() < until:
        time.sleep(0.01)
