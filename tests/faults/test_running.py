"""How trials are run: what measures alone, the rest side by side, and none is stopped by another that breaks off."""

import threading

import pytest

from faults.finding import Finding
from faults.promises import Promise
from faults.running import LANES, tried
from faults.world import Servers

pytestmark = pytest.mark.slow
PATIENCE_SECONDS = 60


class Course:
    """Trials that note whether others run meanwhile. The last of `together` of them lets them all end."""

    def __init__(self, together: int) -> None:
        self._meeting = threading.Barrier(together)
        self.running = 0
        self.urls: list[str] = []

    def alone(self, _servers: Servers) -> Finding:
        return held("P3", f"{self.running} others", holds=self.running == len(self.urls) == 0)

    def beside(self, servers: Servers) -> Finding:
        self.running += 1
        self.urls += [servers.mariadb.url, servers.redis.url]
        self._meeting.wait(PATIENCE_SECONDS)
        return held("P2", "met the others", holds=True)


def held(promise: str, figure: str, *, holds: bool) -> Finding:
    return Finding(promise, "SQLite", "none", "1 request", figure, holds)


def break_off(_servers: Servers) -> Finding:
    raise TimeoutError("nobody\nanswered")


def test_trials_run_alone_or_side_by_side_and_one_that_breaks_off_stops_no_other() -> None:
    course = Course(LANES)
    promises = {
        "P1": Promise("broken", (break_off,)),
        "P2": Promise("beside", (course.beside,) * LANES),
        "P3": Promise("alone", (course.alone,), alone=True),
    }
    broken, *others = tried(promises, share=1.0)
    assert (broken.promise, broken.figure, broken.holds) == ("P1", "TimeoutError: nobody answered", False)
    assert others == [held("P2", "met the others", holds=True)] * LANES + [held("P3", "0 others", holds=True)]
    assert len(set(course.urls)) == 2 * LANES
