"""The signs of life of the processes behind the web."""

import time

import pytest
from apiflask import APIFlask

from data.pulse_store import PulseStore
from jobs.context import beat


def test_a_worker_is_no_web_process_whoever_gives_its_signs_of_life(
    app: APIFlask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The duties of a worker's wiring give them too."""
    monkeypatch.setattr("services.monitoring.pulse.LEAST_PAUSE", 0.0)
    wired = app.extensions["holdfast"]
    beat(wired, "worker")
    assert roles(wired.redis) == ["worker"]
    wired.pulse.beat()
    assert roles(wired.redis) == ["worker"]


def roles(redis: object) -> list[str]:
    return [each.role for each in PulseStore(redis).processes(time.time())]  # type: ignore[arg-type]
