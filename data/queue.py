"""The work queue: wakes the worker for messages that are due, and for files that are to be scored.

The rows of `notifications` and `scoring_chunks` say what is due, and survive whatever happens to Redis; a job
here only says "look at these now". So a job may be lost, or come twice, without harm.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any, cast

from redis import Redis
from rq import Queue as RqQueue
from rq.job import Job, Retry
from rq.queue import EnqueueData
from rq.registry import ScheduledJobRegistry
from rq.serializers import JSONSerializer
from rq.utils import as_text

from data.dialect import chunks
from data.redis_client import build_redis
from helpers.ids import new_id

MESSAGES = "messages"
SEND_NOTIFICATION = "jobs.tasks.send_notification"
SEND_NOTIFICATIONS = "jobs.tasks.send_notifications"
MESSAGES_A_JOB = 50
SCORE_CHUNK = "jobs.tasks.score_chunk"
TIMEOUT_SECONDS = 1.0
JOB_SECONDS = 25  # how long a job may run; shorter than a message's claim
AFTER_A_DEATH = [10, 30, 60]  # seconds until a job whose worker died, or that failed, is tried again
KEEP_DONE_SECONDS = 60  # with 0 RQ reports an error when the job is no longer there to be deleted
KEEP_FAILED_SECONDS = 3_600
OVERDUE_SECONDS = 15
_SEVERAL = "several-"


class Queue:
    """`redis_url` is given a client of the queue's own: RQ changes the timeouts of the one it uses."""

    def __init__(self, redis_url: str) -> None:
        self._redis = build_redis(redis_url, timeout=TIMEOUT_SECONDS)

    def enqueue(self, message_ids: Iterable[str]) -> None:
        """A job for some messages at a time, since a job costs as much as many records do; one for a single message
        has its id. Raises redis.RedisError."""
        self._put([_sending(some) for some in chunks(dict.fromkeys(message_ids), MESSAGES_A_JOB)])

    def enqueue_later(self, message_id: str, seconds: float) -> None:
        """The job of one message, whose time has yet to come. Raises redis.RedisError."""
        with self._redis.pipeline() as pipeline:
            pipeline.delete(Job.key_for(message_id))  # as in `_put`
            given: dict[str, Any] = {"job_id": message_id, "pipeline": pipeline, **_keeping()}
            message_queue(self._redis).enqueue_in(timedelta(seconds=seconds), SEND_NOTIFICATION, message_id, **given)
            pipeline.execute()

    def enqueue_chunk(self, job_id: str, number: int) -> None:
        """The job that scores this chunk of a file. Raises redis.RedisError."""
        self._put([_job(SCORE_CHUNK, [job_id, number], chunk_name(job_id, number))])

    def depth(self) -> int:
        """How many jobs wait. Raises redis.RedisError."""
        return message_queue(self._redis).count

    def waiting(self, names: Iterable[str]) -> set[str]:
        """Those messages and chunks that a job will come to by itself: it is in the queue, or has its time still to
        come.

        Raises redis.RedisError.
        """
        queue = message_queue(self._redis)
        scheduled = ScheduledJobRegistry(queue=queue).key  # type: ignore[no-untyped-call]
        later = self._redis.zrangebyscore(scheduled, time.time() - OVERDUE_SECONDS, "+inf")
        alive = {*queue.get_job_ids(), *(as_text(job_id) for job_id in cast("list[bytes]", later))}
        return {*alive, *self._carried(alive)}.intersection(names)

    def _carried(self, jobs: Iterable[str]) -> Iterator[str]:
        """The messages of those jobs that have several."""
        several = [name for name in jobs if name.startswith(_SEVERAL)]
        for job in Job.fetch_many(several, connection=self._redis, serializer=JSONSerializer):
            yield from job.args[0] if job else ()

    def _put(self, jobs: Sequence[EnqueueData]) -> None:
        if not jobs:
            return
        with self._redis.pipeline() as pipeline:
            for job in jobs:  # what a failed job of the same id left would be taken over
                pipeline.delete(Job.key_for(str(job.job_id)))
            message_queue(self._redis).enqueue_many(list(jobs), pipeline)
            pipeline.execute()


def chunk_name(job_id: str, number: int) -> str:
    """The id of the job that scores a chunk."""
    return f"{job_id}-{number}"


def message_queue(redis: Redis) -> RqQueue:
    """RQ's own view of the queue, over `redis`."""
    return RqQueue(MESSAGES, connection=redis, serializer=JSONSerializer, default_timeout=JOB_SECONDS)


def _sending(message_ids: Sequence[str]) -> EnqueueData:
    if len(message_ids) == 1:
        return _job(SEND_NOTIFICATION, message_ids, message_ids[0])
    return _job(SEND_NOTIFICATIONS, [message_ids], _SEVERAL + new_id())


def _job(task: str, args: Sequence[Any], name: str) -> EnqueueData:
    return RqQueue.prepare_data(task, args=list(args), job_id=name, **_keeping())


def _keeping() -> dict[str, Any]:
    """How long a job is kept, and that it comes back when its worker dies."""
    return {
        "result_ttl": KEEP_DONE_SECONDS,
        "failure_ttl": KEEP_FAILED_SECONDS,
        "retry": Retry(max=len(AFTER_A_DEATH), interval=AFTER_A_DEATH),
    }
