"""The process that sends messages: RQ's worker for one queue, kept going through Redis outages.

RQ's own defaults lose minutes when a worker is killed. Here a dead worker's job is taken up again
after its claim has lapsed (`services.notifications.CLAIM`), by RQ or by the sweep, whichever is first.
"""

import signal
import threading
from collections.abc import Callable
from types import FrameType

import structlog
from redis import Redis, RedisError
from redis.client import Pipeline
from rq.exceptions import StopRequested
from rq.job import Job
from rq.scheduler import RQScheduler
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker

from data.queue import JOB_SECONDS, MESSAGES, message_queue
from data.redis_client import build_redis

REDIS_SECONDS = 5.0
WORKER_SECONDS = 30
MAINTENANCE_SECONDS = 5
RESTART_SECONDS = 2.0
ALARM_SECONDS = 1.0

log = structlog.get_logger()


class MessageWorker(SimpleWorker):
    """Works in this very process: a fork for each message would allow about two a second.

    `beat` is called whenever the worker has shown to be alive.
    """

    max_connection_wait_time = 5.0
    stopping = False
    beat: Callable[[], None] = staticmethod(lambda: None)

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:
        """After so many seconds without a sign the job counts as abandoned."""
        return JOB_SECONDS + 10

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        super().heartbeat(timeout, pipeline)
        self.beat()

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        self.stopping = True
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]


def work(redis_url: str, beat: Callable[[], None] = lambda: None) -> None:
    """Sends what is due until SIGTERM or SIGINT; a message in hand is finished first."""
    stopped = threading.Event()
    _stop_on_signal(stopped)
    threading.Thread(target=_ring, args=(redis_url, stopped), name="retries", daemon=True).start()
    redis = build_redis(redis_url, timeout=REDIS_SECONDS)
    try:
        while not stopped.is_set() and not _work_once(redis, beat):
            _stop_on_signal(stopped)  # RQ's worker had put handlers of its own in their place
            stopped.wait(RESTART_SECONDS)
    except StopRequested:  # the signal came just after RQ's worker had ended by itself
        pass
    stopped.set()


def _work_once(redis: Redis, beat: Callable[[], None]) -> bool:
    """Runs one worker until it ends; whether it was told to."""
    worker = None
    try:
        worker = _build(redis, beat)
        worker.work(logging_level="WARNING")
    except RedisError as error:
        log.warning("worker_interrupted", error=f"{type(error).__name__}: {error}")
    finally:
        if worker is not None and worker.pubsub_thread is not None:
            worker.pubsub_thread.stop()
    return worker is not None and worker.stopping


def _build(redis: Redis, beat: Callable[[], None]) -> MessageWorker:
    worker = MessageWorker(
        [message_queue(redis)],
        connection=redis,
        serializer=JSONSerializer,
        worker_ttl=WORKER_SECONDS,
        maintenance_interval=MAINTENANCE_SECONDS,
        job_monitoring_interval=MAINTENANCE_SECONDS,
        log_job_description=False,
    )
    worker.log_result_lifespan = False
    worker.beat = beat
    return worker


def _stop_on_signal(stopped: threading.Event) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())


def _ring(redis_url: str, stopped: threading.Event) -> None:
    """Puts the jobs whose time has come back into the queue, each second.

    In a thread and without RQ's lock: RQ's own process would outlive a killed worker, or leave its
    lock held for a minute. Two of these at once bring a job twice, which harms nothing.
    """
    redis = build_redis(redis_url, timeout=REDIS_SECONDS)
    scheduler = RQScheduler([MESSAGES], connection=redis, serializer=JSONSerializer, logging_level="WARNING")
    while not stopped.wait(ALARM_SECONDS):
        try:
            scheduler.prepare_registries([MESSAGES])
            scheduler.enqueue_scheduled_jobs()  # type: ignore[no-untyped-call]
        except RedisError as error:
            log.warning("retries_interrupted", error=f"{type(error).__name__}: {error}")
        except Exception:  # nothing would start this thread again
            log.exception("retries_failed")
