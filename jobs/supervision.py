"""The processes of `flask up`: stopped with it, even when it is killed outright."""

import os
import shlex
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from honcho.manager import Manager
from honcho.process import Process

WATCH_SECONDS = 0.5
GRACE_SECONDS = 25.0


def supervise(commands: Mapping[str, Sequence[str]]) -> int:
    """Runs the commands until one ends or a signal comes; 0 after an orderly stop."""
    manager = Manager()
    manager._process_ctor = _Tied
    for name, words in commands.items():
        manager.add_process(name, shlex.join(words), env=dict(os.environ))
    manager.loop()
    stopped_by_signal = manager.returncode in (130, 143)
    return 0 if stopped_by_signal else int(manager.returncode or 0)


class _Tied(Process):  # type: ignore[misc]
    """honcho runs each command from a small process between it and the supervisor. That one stays behind when the
    supervisor is killed, and stops the command: no system has a portable way to ask the kernel for it."""

    def _send_message(self, data: object, type: str = "line") -> None:  # noqa: A002 - honcho's name
        if type == "start":
            threading.Thread(target=self._watch, args=(os.getppid(),), daemon=True).start()
        super()._send_message(data, type=type)

    def _watch(self, supervisor: int) -> None:
        while os.getppid() == supervisor:
            time.sleep(WATCH_SECONDS)
        self._signal(signal.SIGTERM)
        time.sleep(GRACE_SECONDS)
        self._signal(signal.SIGKILL)
        os._exit(1)

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._child.pid, number)
