"""How the soak reads memory and file descriptors."""

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from faults.soak import verdicts
from faults.tally import Tally
from faults.vitals import Life, Sample, Vitals, own_memory, slope, trends
from tests.support.deployment import Deployment

CLEAN = Tally(acknowledged=10, rows=10, lost=0, unexpected=0, doubled=0)
MAIL = {"due": 1, "missing": 0, "again": 0}


def life(own_an_hour: float, files: int = 20, hours: float = 1.0, level: float = 100.0) -> Life:
    """A process that grows steadily, after ten minutes in which it grows by 30 MB and opens ten files."""
    samples = []
    for number in range(int(hours * 360)):
        hour = number / 360
        warm = min(1.0, hour * 6)
        own = level + 30 * warm + own_an_hour * hour
        samples.append(Sample(hour, own, own + 40, files + int(10 * warm) if hour < 0.5 else files + 10))
    return Life("web", 1, samples)


def test_the_slope_is_that_of_the_time_after_the_warm_up_whatever_the_levels() -> None:
    (trend,) = trends([life(0.5), life(0.5, hours=0.4, level=300.0)], warm_up=1 / 6)
    assert trend.pooled == pytest.approx(0.5)
    assert trend.longest_own == pytest.approx(0.5)
    assert trend.longest_minutes == pytest.approx(50, abs=0.2)
    assert (trend.lives, trend.files_more) == (2, 0)
    assert slope([[(1.0, 5.0)], []]) is None


@pytest.mark.parametrize(("growth", "flat"), [(0.9, True), (1.1, False)])
def test_more_than_a_megabyte_an_hour_is_not_flat(growth: float, flat: bool) -> None:
    moved = trends([life(growth)], warm_up=1 / 6)
    assert verdicts(CLEAN, MAIL, moved)["memory flat"] is flat


def test_what_was_watched_for_too_short_is_not_judged() -> None:
    moved = trends([life(50.0, hours=0.4)], warm_up=1 / 6)
    found = verdicts(CLEAN, MAIL, moved)
    assert (found["memory flat"], found["file descriptors flat"]) == (None, None)


def test_a_leak_of_files_is_seen() -> None:
    leaking = life(0.0)
    leaking.samples = [Sample(each.hour, each.own, each.rss, int(20 + 12 * each.hour)) for each in leaking.samples]
    assert verdicts(CLEAN, MAIL, trends([leaking], warm_up=1 / 6))["file descriptors flat"] is False


@pytest.mark.parametrize("change", ["lost", "unexpected", "doubled"])
def test_each_fault_of_the_ledger_is_a_verdict(change: str) -> None:
    found = verdicts(replace(CLEAN, **{change: 1}), MAIL, [])
    assert [name for name, verdict in found.items() if verdict is False] == [f"nothing {change}"]


def test_every_process_of_a_deployment_is_sampled(tmp_path: Path) -> None:
    with Deployment(tmp_path, {}) as deployment, Vitals(deployment, seconds=0.05) as vitals:
        deployment.processes["web"] = subprocess.Popen(["sh", "-c", "sleep 60 & wait"], env=deployment.environ)
        deployment.processes["worker"] = subprocess.Popen(["sleep", "60"], env=deployment.environ)
        until = time.monotonic() + 10
        while len(vitals.lives()) < 3 and time.monotonic() < until:
            time.sleep(0.02)
    found = {each.role: each for each in vitals.lives()}
    assert set(found) == {"web (parent)", "web", "worker"}
    assert found["worker"].samples[0].own > 0


FORKING = """
import os, sys
loaded = bytearray(b"x" * 30_000_000)
child = os.fork()
if not child:
    for step in sys.stdin:
        if step == "touch\\n":
            loaded[:] = b"y" * len(loaded)
        else:
            more = b"z" * 30_000_000
        os.write(1, b"done\\n")
    os._exit(0)
print(child, flush=True)
os.wait()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it cannot be told")
def test_writing_to_what_was_loaded_before_a_fork_is_no_growth_and_taking_more_is() -> None:
    command, pipe = [sys.executable, "-c", FORKING], subprocess.PIPE
    with subprocess.Popen(command, text=True, bufsize=1, stdin=pipe, stdout=pipe) as parent:
        assert parent.stdin
        assert parent.stdout
        both = [psutil.Process(parent.pid), psutil.Process(int(parent.stdout.readline()))]
        levels = [[own_memory(each) for each in both]]
        for step in ("touch", "take"):
            parent.stdin.write(f"{step}\n")
            assert parent.stdout.readline() == "done\n"
            levels.append([own_memory(each) for each in both])
        parent.stdin.close()
    loaded, touched, taken = levels
    assert touched == pytest.approx(loaded, abs=1.0)
    assert taken == pytest.approx([loaded[0], loaded[1] + 28.6], abs=1.0)
