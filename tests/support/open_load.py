"""Requests at times that were fixed in advance: a service that is slow to answer is asked no less often."""

import asyncio
import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import orjson

from helpers.ids import new_id
from tests.support.connections import Connections, Reply, posted

Watcher = Callable[[int, float, Reply], None]


class OpenLoad:
    """Posts to /predict, `per_second` in even distances, each of a fresh client, with the fields of `customers` in
    turn, until `stop` or the end of the context.

    `answers` holds for each request that is over when it was due (`time.monotonic()`), the seconds from then to its
    answer, and its status: 0 where the connection failed or nothing came in 30 s. `acknowledged` is the prediction id
    of each client whose answer was a 200. `watch` is told the number, the due time and the reply of each answer.
    """

    def __init__(
        self, url: str, customers: Sequence[Mapping[str, Any]], per_second: float, watch: Watcher | None = None
    ) -> None:
        self.per_second = per_second
        self.customers = customers
        self.attempted = 0
        self.answers: list[tuple[float, float, int]] = []
        self.acknowledged: dict[str, str] = {}
        self._url = url
        self._watch = watch
        self._connections: dict[str, Connections] = {}
        self._prefix = new_id()
        self._tails = [b"," + orjson.dumps(customer)[1:] for customer in customers]
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="load", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Asks no more, and waits for what was asked."""
        self._stopped.set()
        self._thread.join()

    def where(self, number: int) -> str:
        """The address that the request goes to."""
        return self._url

    def request(self, number: int) -> bytes:
        body = b'{"client_id":"%s"' % self.client_id(number).encode() + self._tails[number % len(self._tails)]
        return posted("/predict", body)

    def acknowledge(self, number: int, answer: Any) -> None:
        self.acknowledged[self.client_id(number)] = answer["prediction_id"]

    def client_id(self, number: int) -> str:
        return f"{self._prefix}-{number}"

    def was_attempted(self, client_id: str) -> bool:
        prefix, _, number = client_id.rpartition("-")
        return prefix == self._prefix and number.isdecimal() and int(number) < self.attempted

    def statuses(self, since: float = 0.0, until: float = float("inf")) -> Counter[int]:
        """Of the requests that were due in that time."""
        return Counter(status for due, _seconds, status in list(self.answers) if since <= due < until)

    def quantile(self, share: float, since: float = 0.0, until: float = float("inf")) -> float:
        """Milliseconds within which so many of the requests due in that time were answered; NaN without any."""
        found = sorted(seconds for due, seconds, _status in list(self.answers) if since <= due < until)
        return 1_000 * found[min(len(found) - 1, int(share * len(found)))] if found else float("nan")

    def wait_for_answers(self, number: int, seconds: float = 60) -> None:
        """Until `number` more requests are over. Raises TimeoutError."""
        goal, until = len(self.answers) + number, time.monotonic() + seconds
        while len(self.answers) < goal:
            if time.monotonic() > until:
                raise TimeoutError("the load made no progress")
            time.sleep(0.02)

    async def _run(self) -> None:
        begun = time.monotonic()
        tasks: set[asyncio.Task[None]] = set()
        for number in itertools.count():
            due = begun + number / self.per_second
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if self._stopped.is_set():
                break
            self.attempted = number + 1
            task = asyncio.create_task(self._ask(number, due))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)
        for connections in self._connections.values():
            connections.close()

    async def _ask(self, number: int, due: float) -> None:
        status = 0
        connections = self._connections.setdefault(url := self.where(number), Connections(url))
        try:
            reply = await connections.exchange(self.request(number))
            status = reply.status
            self._note(number, due, reply)
        except (OSError, EOFError, ValueError):
            pass
        self.answers.append((due, time.monotonic() - due, status))

    def _note(self, number: int, due: float, reply: Reply) -> None:
        if reply.status == 200:
            self.acknowledge(number, orjson.loads(reply.body))
        if self._watch is not None:
            self._watch(number, due, reply)
