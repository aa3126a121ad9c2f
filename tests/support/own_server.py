"""A server process of a test's own, which may be frozen and killed as no shared one may."""

import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from tests.support.deployment import TIED


class OwnServer:
    """A server on a port of 127.0.0.1. After `kill`, `start` brings it back on the same port with what it had on disk.

    `start` raises RuntimeError when it does not listen in time."""

    def __init__(self, command: Sequence[str], port: int, log: Path) -> None:
        self.port = port
        self._command = [*TIED, *command]
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, seconds: float = 60) -> None:
        with self._log.open("ab") as log:
            process = subprocess.Popen(self._command, stdout=log, stderr=log)
        self._process = process
        until = time.monotonic() + seconds
        while process.poll() is None and time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError(f"{self._command[-1]} did not start; see {self._log}")

    def stop(self) -> None:
        """In order, also when it is frozen."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """It takes connections and bytes from now on, for the kernel does, and answers nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        process.send_signal(signal.SIGCONT)
        process.wait(timeout=60)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
