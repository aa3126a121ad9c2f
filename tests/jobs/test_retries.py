"""The worker's thread that brings jobs back in time outlives whatever it meets."""

import threading
import time
from datetime import timedelta

import pytest
import redis
from rq.registry import ScheduledJobRegistry

from data.queue import SEND_NOTIFICATION, Queue, message_queue
from jobs import worker


def test_what_redis_holds_amiss_does_not_end_the_retries(
    redis_url: str, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "ALARM_SECONDS", 0.05)
    queue = message_queue(redis_client)
    registry = ScheduledJobRegistry(queue=queue).key  # type: ignore[no-untyped-call]
    redis_client.zadd(registry, {b"\xff\xfe": 1})  # no job has a name that is not text
    stopped = threading.Event()
    thread = threading.Thread(target=worker._ring, args=(redis_url, stopped))
    thread.start()
    try:
        time.sleep(0.5)
        assert thread.is_alive()
        redis_client.zrem(registry, b"\xff\xfe")
        queue.enqueue_in(timedelta(seconds=0), SEND_NOTIFICATION, "one")
        deadline = time.monotonic() + 5
        while Queue(redis_url).depth() == 0 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert Queue(redis_url).depth() == 1
    finally:
        stopped.set()
        thread.join()
