"""What our worker leans on: gunicorn's own methods, and the order of those who wait."""

import inspect
import time

import pytest
from gunicorn.workers.gthread import ThreadWorker

from endpoints.serving import queueing
from endpoints.serving.queueing import Queueing
from endpoints.serving.turns import Turns
from endpoints.serving.worker import Worker

REPLACED = (
    "run",
    "accept",
    "enqueue_req",
    "handle",
    "finish_request",
    "murder_pending",
    "_cap_keepalive",
    "handle_exit",
)


def parameters(of: type, name: str) -> list[str]:
    return list(inspect.signature(getattr(of, name)).parameters)


def test_gunicorn_still_has_what_is_replaced_and_calls_it() -> None:
    source = inspect.getsource(inspect.getmodule(ThreadWorker) or ThreadWorker)
    for name in REPLACED:
        assert name in vars(Worker)
        assert parameters(Worker, name) == parameters(ThreadWorker, name)
    for name in ("accept", "enqueue_req", "handle", "finish_request", "murder_pending", "_cap_keepalive"):
        assert f"self.{name}" in source


def test_it_is_too_long_when_more_wait_than_there_are_threads_and_the_first_for_long() -> None:
    queue = Queueing(2)
    for _ in range(3):
        queue.joins()
    later = time.monotonic() + queueing.MOST_SECONDS
    assert not queue.too_long(time.monotonic())
    assert queue.too_long(later)
    queue.leaves()
    assert not queue.too_long(later)


@pytest.mark.parametrize("places", [1, 2])
def test_who_waits_for_a_turn_gets_it_in_order(places: int) -> None:
    turns = Turns(places)
    assert [turns.enter(name) for name in "abcd"] == [number < places for number in range(4)]
    assert turns.leave("a") == "abcd"[places]
    assert turns.leave("a") is None
    assert turns.leave("nobody") is None
