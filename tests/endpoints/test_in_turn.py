"""What keeps requests that need much memory from being answered side by side."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from endpoints.in_turn import in_turn


def test_calls_of_many_threads_never_overlap() -> None:
    inside, most = [0], [0]
    counting = threading.Lock()

    @in_turn
    def view(number: int) -> int:
        with counting:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        time.sleep(0.005)
        with counting:
            inside[0] -= 1
        return number

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(view, range(24))) == list(range(24))
    assert most == [1]


def test_a_call_that_fails_lets_the_next_one_in() -> None:
    @in_turn
    def view(fails: bool) -> str:
        if fails:
            raise ValueError("no")
        return "answered"

    with pytest.raises(ValueError, match="no"):
        view(True)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(view, False).result(timeout=5) == "answered"
