"""Where the processes of one web server keep the counts that an exposition adds up.

Imported before prometheus_client, which looks for the folder when it is imported itself.
"""

import os
import shutil
import uuid
from pathlib import Path

from helpers.file_lock import FileLock

LOCK = "lock"
_own: dict[int, tuple[Path, FileLock]] = {}
"""By the process that made it: what a second call there gives back. A fork inherits it, but is another process."""


def metrics_folder(parent: Path) -> Path:
    """A fresh folder in `parent` for this process and those it will fork; the same at each call.

    Its name says nothing: in a container every server is process 1. It is locked for as long as one of the
    processes lives; folders whose lock is free belong to nobody and are deleted.
    """
    if os.getpid() not in _own:
        parent.mkdir(parents=True, exist_ok=True)
        gate = FileLock(parent / LOCK, wait=True)  # nobody deletes a folder that is not locked yet
        try:
            _delete_abandoned(parent)
            _own[os.getpid()] = _make(parent)
        finally:
            gate.release()
    return _own[os.getpid()][0]


def _make(parent: Path) -> tuple[Path, FileLock]:
    folder = parent / uuid.uuid4().hex
    folder.mkdir()
    return folder, FileLock(folder / LOCK)


def _delete_abandoned(parent: Path) -> None:
    for folder in filter(Path.is_dir, parent.iterdir()):
        try:
            lock = FileLock(folder / LOCK)
        except BlockingIOError:
            continue
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()
