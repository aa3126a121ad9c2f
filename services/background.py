"""Work that a request may ask for but must not wait for without end."""

import os
from collections.abc import Callable
from queue import SimpleQueue
from threading import Event, Lock, Thread

import structlog

log = structlog.get_logger()
Job = tuple[Callable[[], None], Event]


class Background:
    """A few daemon threads, started at the first job of a process, so that a fork needs no care.

    Not an executor: its threads are waited for when the process ends, and a query to a database that hangs
    would hold that up.
    """

    def __init__(self, name: str, threads: int) -> None:
        self._name = name
        self._threads = threads
        self._lock = Lock()
        self._started_in: int | None = None
        self._jobs: SimpleQueue[Job] = SimpleQueue()

    def submit(self, work: Callable[[], None]) -> Event:
        """An event that is set once the work is done, or has failed, which is logged."""
        done = Event()
        with self._lock:
            self._start()
        self._jobs.put((work, done))
        return done

    def _start(self) -> None:
        if self._started_in == os.getpid():
            return
        self._started_in, self._jobs = os.getpid(), SimpleQueue()
        for number in range(self._threads):
            Thread(target=_work, args=[self._jobs], name=f"{self._name}-{number}", daemon=True).start()


def _work(jobs: "SimpleQueue[Job]") -> None:
    while True:
        work, done = jobs.get()
        try:
            work()
        except Exception:
            log.exception("background_work_failed")
        finally:
            done.set()
