"""A lock on a file lives as long as the processes that hold it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.file_lock import FileLock, holder

ROOT = Path(__file__).parents[2]
HOLD = """
import sys, time
from pathlib import Path
from helpers.file_lock import FileLock
lock = FileLock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def test_it_is_held_by_one_and_names_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    lock = FileLock(path)
    assert holder(path) == os.getpid()
    with pytest.raises(BlockingIOError):
        FileLock(path)
    lock.release()
    assert holder(path) is None
    FileLock(path).release()


def test_a_killed_holder_frees_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(BlockingIOError):
            FileLock(path)
        assert holder(path) == process.pid
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert holder(path) is None
    FileLock(path).release()
