"""Processes that are to begin at the same instant."""

import subprocess
from collections.abc import Sequence


def release_together(started: Sequence["subprocess.Popen[str]"]) -> None:
    """Waits until each has printed `ready`, then lets all go on by closing what they read from."""
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None  # or communicate() would write to it
