"""One heap for all threads, tried in processes of their own: the choice cannot be taken back."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.deployment import ROOT, own_environment

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is read as Linux tells it")

only_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="others have one heap anyway")

TASK_MB = 20
IN_THE_APPLICATION = "from app import create_app; create_app()"
TASK = f"""
import threading

results = []

def megabytes():
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith("RssAnon")).split()[1]) / 1024

def task():
    blocks = [b"x" * 100_000 for _ in range({TASK_MB} * 10)]
    results.append(b"x" * 100_000)  # what is kept lies behind what was needed for it
"""
BY_SIX_THREADS = """
def live(begin):
    begin.wait()
    task()
    done.release()
    threading.Event().wait()

def in_turn(some):
    for begin in some:
        begin.set()
        done.acquire()

done, turns = threading.Semaphore(0), [threading.Event() for _ in range(6)]
for begin in turns:
    threading.Thread(target=live, args=[begin], daemon=True).start()
in_turn(turns[:1])
before = megabytes()
in_turn(turns[1:])
print(megabytes() - before)
"""
AFTER_A_BACKLOG = """
from helpers.memory import give_back
before = megabytes()
task()
give_back()
print(megabytes() - before)
"""


def test_a_large_task_needs_memory_once_whichever_thread_does_it(tmp_path: Path) -> None:
    assert _growth(IN_THE_APPLICATION, BY_SIX_THREADS, tmp_path) < TASK_MB / 2


@only_glibc
def test_otherwise_each_thread_keeps_what_its_task_needed(tmp_path: Path) -> None:
    assert _growth("", BY_SIX_THREADS, tmp_path) > TASK_MB


def test_what_a_backlog_needed_is_given_back_though_something_behind_it_lasts(tmp_path: Path) -> None:
    assert _growth("", AFTER_A_BACKLOG, tmp_path) < TASK_MB / 2


@only_glibc
def test_otherwise_it_is_kept(tmp_path: Path) -> None:
    assert _growth("", AFTER_A_BACKLOG.replace("\ngive_back()", ""), tmp_path) > TASK_MB / 2


def _growth(first: str, what: str, var_dir: Path) -> float:
    """In MB."""
    environ = {**own_environment(), "VAR_DIR": str(var_dir)}
    command = [sys.executable, "-c", "\n".join((first, TASK, what))]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=environ)
    return float(done.stdout)
