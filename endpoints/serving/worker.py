"""gunicorn's threaded worker, with bounds on what clients can take of it.

gunicorn hands a connection to a thread at once, and the thread waits for the rest of the request for as long as the
client likes; requests queue for threads without bound; and SIGTERM closes the door in front of proxies that have not
heard of it. Here a thread gets a request that has arrived, who would wait too long is refused, the door stays open
while readiness fails, and workers share connections evenly. It leans on these methods of gunicorn's: `accept`,
`enqueue_req`, `handle`, `finish_request`, `murder_pending`, `_cap_keepalive`, `handle_exit`.
"""

import math
import socket
import struct
import time
from concurrent.futures import Future
from types import FrameType
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from endpoints.serving.parked import Parked
from endpoints.serving.parting import Parting
from endpoints.serving.queueing import Queueing
from endpoints.serving.reception import Reception, Ways
from endpoints.serving.shares import Courtesy, Shares
from endpoints.serving.turns import Turns

READ_SECONDS, WRITE_SECONDS = 5, 30
"""How long a thread waits for the next bytes of a long request, and for a client to take the next ones of an answer."""
HEAD_START_SECONDS = 0.002
"""For workers with fewer connections, at each of their chances."""
_KEPT: "Future[bool]" = Future()
_KEPT.set_result(True)


class Worker(ThreadWorker):  # type: ignore[misc]
    """`draining` since SIGTERM: every answer then closes its connection. `shares` is set before the fork."""

    shares: Shares

    def run(self) -> None:
        self.draining = False
        self._stop_at = math.inf
        self._parked = Parked(self.poller)
        self._parting = Parting(self._parked, self._close)
        self._turns = Turns(self.cfg.threads // 2)
        self._queueing = Queueing(self.cfg.threads)
        ways = Ways(self._serve, self._keep, self._parting.part)
        shed = self._service.metrics.requests.labels("other", "shed", "503")
        self._reception = Reception(
            self._parked, self._turns, self._queueing, ways, self.cfg.keepalive, lambda _: shed.inc()
        )
        for listener in self.sockets:
            _limit_waiting(listener)
        self._courtesy = Courtesy()
        self.shares.tell(self.age, 0)
        super().run()

    def accept(self, listener: socket.socket) -> None:
        """A connection that is left to others is looked for again in the next turn of the loop."""
        fewer = self.shares.fewer(self.age, self.nr_conns)
        if fewer:
            time.sleep(HEAD_START_SECONDS)
        if self._courtesy.grants(fewer):
            return
        super().accept(listener)
        self._tell_share()

    def enqueue_req(self, conn: Any) -> None:
        self._reception.receive(conn)

    def handle(self, conn: Any) -> Any:
        self._queueing.leaves()
        return super().handle(conn)

    def finish_request(self, conn: Any, fs: "Future[bool]") -> None:
        following = self._turns.leave(conn)
        if following is not None:
            self._serve(following)
        if not fs.cancelled() and fs.exception() is None and fs.result():
            super().finish_request(conn, fs)
        else:
            self._parting.part(conn)

    def murder_pending(self) -> None:
        """gunicorn calls it in each turn of its loop, and so once a second at least."""
        self._tell_share()
        now = time.monotonic()
        self._parked.sweep(now)
        if now >= self._stop_at:
            self.alive = False

    def _cap_keepalive(self, deadline: float) -> None:
        super()._cap_keepalive(deadline)
        self._parked.cap(deadline)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM. A signal may come between any two instructions, so all is done in the loop."""
        self.method_queue.defer(self._drain)

    @property
    def _service(self) -> Any:
        return self.wsgi.extensions["holdfast"]

    def _tell_share(self) -> None:
        """A worker that takes no more connections is not waited for."""
        if self._accepting:
            self.shares.tell(self.age, self.nr_conns)
        else:
            self.shares.leave(self.age)

    def _drain(self) -> None:
        if not self.draining:
            self.draining = self._service.draining = True
            self._stop_at = time.monotonic() + self._service.settings.drain_seconds

    def _serve(self, conn: Any) -> None:
        conn.data_ready = True
        self._queueing.joins()
        super().enqueue_req(conn)

    def _keep(self, conn: Any) -> None:
        conn.init()
        super().finish_request(conn, _KEPT)

    def _close(self, conn: Any) -> None:
        self.nr_conns -= 1
        conn.close()


def _limit_waiting(listener: socket.socket) -> None:
    """Connections inherit it."""
    for option, seconds in ((socket.SO_RCVTIMEO, READ_SECONDS), (socket.SO_SNDTIMEO, WRITE_SECONDS)):
        listener.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", seconds, 0))
