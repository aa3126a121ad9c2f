"""A call that fails costs its default, and a call that keeps failing is left alone for a while."""

import threading
from collections.abc import Callable

import pytest

from helpers.failsoft import FailSoft


class Server:
    def __init__(self) -> None:
        self.up = True
        self.calls = 0
        self.now = 100.0

    def answer(self) -> str:
        self.calls += 1
        if not self.up:
            raise ConnectionError("gone")
        return "answer"


@pytest.fixture
def server() -> Server:
    return Server()


def build(server: Server, failures: list[Exception]) -> FailSoft:
    return FailSoft("redis", failures=3, rest=5.0, on_failure=failures.append, monotonic=lambda: server.now)


def test_failures_give_the_default_and_are_counted(server: Server) -> None:
    counted: list[Exception] = []
    soft = build(server, counted)
    assert soft.call(server.answer, "default") == "answer"
    server.up = False
    assert [soft.call(server.answer, "default") for _ in range(2)] == ["default", "default"]
    assert len(counted) == 2
    assert not soft.resting


def test_after_three_failures_nothing_is_tried_until_the_rest_is_over(server: Server) -> None:
    soft = build(server, [])
    server.up = False
    for _ in range(10):
        assert soft.call(server.answer, "default") == "default"
    assert (server.calls, soft.resting) == (3, True)
    server.now += 5.1
    assert soft.call(server.answer, "default") == "default"
    assert soft.call(server.answer, "default") == "default"
    assert server.calls == 4
    server.now += 5.1
    server.up = True
    assert soft.call(server.answer, "default") == "answer"
    assert not soft.resting


def test_a_success_starts_the_count_again(server: Server) -> None:
    soft = build(server, [])
    for up in (False, False, True, False, False):
        server.up = up
        soft.call(server.answer, "default")
    assert not soft.resting


def test_while_one_caller_tries_again_the_others_do_not_wait(server: Server) -> None:
    soft = build(server, [])
    server.up = False
    for _ in range(3):
        soft.call(server.answer, "default")
    server.now += 5.1
    entered, gate = threading.Event(), threading.Event()

    def hang() -> str:
        entered.set()
        gate.wait(5)
        return "answer"

    trial = threading.Thread(target=soft.call, args=(hang, "default"))
    trial.start()
    assert entered.wait(5)
    assert soft.call(server.answer, "default") == "default"
    assert server.calls == 3
    gate.set()
    trial.join()
    assert not soft.resting


def test_calls_at_the_same_time_do_not_wait_for_each_other(server: Server) -> None:
    soft = build(server, [])
    meeting = threading.Barrier(2, timeout=5)
    answers: list[str] = []

    def meet() -> str:
        meeting.wait()
        return "met"

    threads = [threading.Thread(target=lambda: answers.append(soft.call(meet, "default"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["met", "met"]


def test_a_call_in_two_parts_fails_in_either_and_is_counted_once(server: Server) -> None:
    counted: list[Exception] = []
    soft = build(server, counted)
    assert soft.begin(lambda: server.answer, "default")() == "answer"
    server.up = False
    end = soft.begin(lambda: server.answer, "default")
    assert (counted, server.calls) == ([], 1)
    assert (end(), len(counted)) == ("default", 1)

    def refuse() -> Callable[[], str]:
        raise ConnectionError("not even begun")

    end = soft.begin(refuse, "default")
    assert (len(counted), soft.resting) == (2, False)
    assert (end(), len(counted)) == ("default", 2)


def test_a_call_in_two_parts_is_rested_like_any_other(server: Server) -> None:
    soft = build(server, [])
    server.up = False
    for _ in range(3):
        soft.begin(lambda: server.answer, "default")()
    assert soft.begin(lambda: server.answer, "default")() == "default"
    assert (server.calls, soft.resting) == (3, True)
    server.now += 5.1
    server.up = True
    end = soft.begin(lambda: server.answer, "default")
    assert soft.resting, "that a call was begun shows nothing yet"
    assert soft.call(server.answer, "default") == "default"
    assert end() == "answer"
    assert not soft.resting


def test_a_call_that_was_begun_and_never_ended_rests_on(server: Server) -> None:
    soft = build(server, [])
    server.up = False
    for _ in range(3):
        soft.call(server.answer, "default")
    server.now += 5.1
    server.up = True
    soft.begin(lambda: server.answer, "default")
    assert soft.call(server.answer, "default") == "default"
    server.now += 5.1
    assert soft.call(server.answer, "default") == "answer"
