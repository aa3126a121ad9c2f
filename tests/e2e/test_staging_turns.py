"""Trials on staging take turns, and staging gets back what a trial left there that died or was not answered."""

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from signal import SIGKILL
from threading import Event, Timer
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from data.stage_client import StageClient
from jobs.schedule import duties
from services.config import staging, staging_debt
from services.config.lifecycle import Lifecycle, RehearsalFailed
from services.config.staging import StagingDeployment
from services.config.staging_debt import SETTLED_SECONDS
from services.config.staging_lease import LEASE, left
from tests.support.deployment import TOKEN
from tests.support.staging import BATCH, CHANGE, Front, Two

pytestmark = pytest.mark.slow
LATE_SECONDS = 1.0


class Ahead:
    """A clock that runs, and is ahead of that of this machine."""

    def __init__(self, by: timedelta) -> None:
        self._by = by

    def now(self) -> datetime:
        return datetime.now(UTC) + self._by


def later(two: Two, by: timedelta) -> tuple[StagingDeployment, Lifecycle]:
    """Staging as production will know it by then, and the way of changes by then."""
    known = replace(two.staging(), clock=Ahead(by))
    return known, through(two, known)


def through(two: Two, known: StagingDeployment) -> Lifecycle:
    wired = two.prod.extensions["holdfast"]
    return Lifecycle(wired.engine, wired.registry, wired.clock, wired.announce, known)


def owes(two: Two, by: timedelta) -> bool:
    return left(two.staging().engine, Ahead(by), two.staging().client.url)


def test_of_two_trials_at_once_the_second_waits_and_is_told_when_to_come_again(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, go_on = Event(), Event()

    def hold() -> None:
        asked.set()
        go_on.wait(20)

    two.front.before[BATCH] = hold
    first = two.process("proba_cutoff", "0.3")
    assert asked.wait(20)
    with monkeypatch.context() as patch:
        patch.setattr(staging, "WAIT_SECONDS", 0.2)
        reply = two.change(call_list_capacity=60)
    assert reply.status_code == 422
    assert "another change is being tried out on staging since" in reply.get_json()["detail"]
    assert "try again in a minute; if its process died, its turn ends at" in reply.get_json()["detail"]
    Timer(0.3, go_on.set).start()
    assert two.change(call_list_capacity=60).status_code == 200
    assert first.wait(20) == 0
    assert [path for path in two.front.posts if path in (CHANGE, BATCH)] == [CHANGE, BATCH, CHANGE, BATCH]
    for app in (two.prod, two.stage):
        assert (two.config(app).proba_cutoff, two.config(app).call_list_capacity) == (0.3, 60)
    assert not owes(two, LEASE)


def killed(two: Two, *values: str) -> None:
    """A trial of a lower cutoff whose process is killed as staging is asked for its customers."""
    doomed = two.process("proba_cutoff", "0.3", *values)
    two.front.before[BATCH] = doomed.kill
    assert doomed.wait(20) == -SIGKILL
    del two.front.before[BATCH]
    assert (two.config(two.prod).proba_cutoff, two.config(two.stage).proba_cutoff) == (0.5, 0.3)


def test_the_trial_after_one_that_was_killed_finds_staging_as_it_was_before(two: Two) -> None:
    killed(two)
    _known, changes = later(two, LEASE)
    report = changes.set_now({"call_list_capacity": 60}, "ann", "a larger team").staging
    assert report is not None
    assert (report["passed"], report["left_by_another"]) == (True, "the values before were put back there")
    assert (two.config(two.stage).proba_cutoff, two.config(two.stage).call_list_capacity) == (0.5, 60)
    history = two.stage.extensions["holdfast"].config_changes.history(3)
    assert [each.reason.split(",")[0] for each in history] == [
        "tried out for local",
        "taken back",
        "tried out for local",
    ]


def test_the_schedule_process_puts_back_what_a_killed_trial_left_and_nobody_changed_since(two: Two) -> None:
    killed(two, "call_list_capacity", "60")
    two.staging().clear()
    assert two.config(two.stage).proba_cutoff == 0.3, "the trial might be at work still"
    two.stage.extensions["holdfast"].config_changes.set_now({"call_list_capacity": 70}, "bob", "more calls")
    known, _changes = later(two, LEASE)
    known.clear()
    assert (two.config(two.stage).proba_cutoff, two.config(two.stage).call_list_capacity) == (0.5, 70)
    count = len(two.front.posts)
    known.clear()
    assert len(two.front.posts) == count, "there is nothing left to do"


def hurried(two: Two) -> Lifecycle:
    """The way of changes where staging is given a second to answer."""
    known = two.staging()
    return through(two, replace(known, client=StageClient(known.client.url, TOKEN, LATE_SECONDS)))


def delay(two: Two, go_on: Event, seconds: float) -> None:
    """Staging is given the next change after that time, or when it is told to go on."""

    def hold() -> None:
        two.front.before.clear()
        go_on.wait(seconds)

    two.front.before[CHANGE] = hold


def tried(changes: Lifecycle) -> dict[str, Any]:
    """The report of a trial on staging that fails."""
    with pytest.raises(RehearsalFailed) as failed:
        changes.set_now({"proba_cutoff": 0.3}, "ann", "too many calls")
    assert failed.value.change.staging is not None
    return failed.value.change.staging


def test_a_change_that_takes_effect_after_it_was_given_up_is_put_back(two: Two) -> None:
    delay(two, Event(), LATE_SECONDS + 0.5)
    report = tried(hurried(two))
    assert "does not answer POST /v1/config: ReadTimeoutError" in report["error"]
    assert report["put_back"] == "the values before were put back there"
    assert two.front.posts.count(CHANGE) == 2
    assert (two.config(two.prod).proba_cutoff, two.config(two.stage).proba_cutoff) == (0.5, 0.5)
    assert not owes(two, LEASE)


def test_a_change_that_takes_effect_after_its_trial_is_put_back_by_the_schedule_process(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging_debt, "PATIENCE_SECONDS", 0.1)
    go_on = Event()
    delay(two, go_on, 20)
    assert "and it may still take effect: until" in tried(hurried(two))["put_back"]
    assert "staging did not answer the change that was sent there at" in tried(hurried(two))["error"]
    (duty,) = (each for each in duties(two.prod.extensions["holdfast"]) if each.name == "staging_left")
    duty.run()
    assert two.front.posts.count(CHANGE) == 1, "nobody else changes staging meanwhile"
    go_on.set()
    deadline = time.monotonic() + 20
    while two.config(two.stage).proba_cutoff == 0.5:
        assert time.monotonic() < deadline, "it did not take effect in time"
        time.sleep(0.02)
    duty.run()
    assert (two.config(two.stage).proba_cutoff, owes(two, LEASE)) == (0.5, False)


def test_a_change_that_never_takes_effect_is_waited_for_no_longer_than_it_could(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging_debt, "PATIENCE_SECONDS", 0.1)
    two.stage.wsgi_app = Lost(two.front)  # type: ignore[assignment]
    assert "answered 502" in tried(hurried(two))["error"]
    assert owes(two, timedelta(0))
    known, _changes = later(two, timedelta(seconds=SETTLED_SECONDS + 1))
    known.clear()
    assert (owes(two, LEASE), two.front.posts) == (False, ["/config-refresh"])


@dataclass
class Lost:
    """A proxy before staging that loses every change."""

    front: Front

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Any:
        if (environ["REQUEST_METHOD"], environ["PATH_INFO"]) != ("POST", CHANGE):
            return self.front(environ, start)
        start("502 Bad Gateway", [("Content-Length", "0")])
        return []
