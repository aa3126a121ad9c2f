"""One heap for all threads, tried in processes of their own: the choice cannot be taken back."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.deployment import ROOT, own_environment

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is read as Linux tells it")

TASK_MB = 20
IN_THE_APPLICATION = "from app import create_app; create_app()"
TASKS = f"""
import threading

def megabytes():
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith("RssAnon")).split()[1]) / 1024

def task():
    blocks = [b"x" * 100_000 for _ in range({TASK_MB} * 10)]
    results.append(b"x" * 1_000)  # what is kept lies behind what was needed for it

def live(begin):
    begin.wait()
    task()
    done.release()
    threading.Event().wait()

def in_turn(some):
    for begin in some:
        begin.set()
        done.acquire()

results, done = [], threading.Semaphore(0)
turns = [threading.Event() for _ in range(6)]
for begin in turns:
    threading.Thread(target=live, args=[begin], daemon=True).start()
in_turn(turns[:1])
before = megabytes()
in_turn(turns[1:])
print(megabytes() - before)
"""


def test_a_large_task_needs_memory_once_whichever_thread_does_it(tmp_path: Path) -> None:
    assert _growth(IN_THE_APPLICATION, tmp_path) < TASK_MB / 2


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="others have one heap anyway")
def test_otherwise_each_thread_keeps_what_its_task_needed(tmp_path: Path) -> None:
    assert _growth("", tmp_path) > TASK_MB


def _growth(first: str, var_dir: Path) -> float:
    """In MB, when five more threads do what one has done."""
    environ = {**own_environment(), "VAR_DIR": str(var_dir)}
    command = [sys.executable, "-c", f"{first}\n{TASKS}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=environ)
    return float(done.stdout)
