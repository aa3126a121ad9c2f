"""A lock that the kernel frees when its holders are gone, however they ended."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path


class FileLock:
    """Holds `path` from its making on, in this process and in those it forks. Raises BlockingIOError when another
    holds it.

    The file says who holds it: the pid of the process that took the lock.
    """

    def __init__(self, path: Path, *, wait: bool = False) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            os.close(self._descriptor)
            raise
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """The file stays: were it deleted, two could hold one name."""
        with suppress(OSError):
            os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)


def holder(path: Path) -> int | None:
    """The pid of the living process that took the lock at `path`, as far as the file tells."""
    try:
        pid = int(path.read_text(encoding="utf-8"))
        os.kill(pid, 0)
    except PermissionError:
        return pid
    except (ValueError, OSError):
        return None
    return pid
