"""The folders of the spool: one a process, owned by whoever holds its lock.

The lock is `flock` on a file in the folder. The kernel frees it when its holder dies, however it
dies. A copy that a fork makes of the descriptor would keep it held: so children close theirs.

On a volume that several hosts mount, not every file system tells one host of the other's locks. So
the holder also shows signs of life, and the folder of another host is left alone while it does.
"""

import contextlib
import fcntl
import os
import socket
import time
import weakref
from hashlib import sha256
from pathlib import Path

from helpers.ids import new_id

PREFIX = "spool-"
LOCK = "lock"
SILENCE_SECONDS = 60.0
_DRAFT = ".new-"
_held: weakref.WeakSet["Folder"] = weakref.WeakSet()


class Folder:
    """A folder whose lock this process holds."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        _held.add(self)

    def show_life(self) -> None:
        """To be called each few seconds by a holder that writes here. Raises OSError."""
        os.utime(self._descriptor)

    def release(self) -> None:
        """Frees the lock. Calling it again is harmless."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def create(root: Path) -> Folder:
    """A new folder under `root`, locked before any other process can see it. Raises OSError."""
    name = new_id()
    draft, path = root / f"{_DRAFT}{name}", root / f"{PREFIX}{name}-{_host()}"
    draft.mkdir(parents=True, mode=0o700)
    descriptor = _open_lock(draft)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    draft.rename(path)
    return Folder(path, descriptor)


def delete(folder: Folder) -> None:
    """Deletes the folder and gives its lock up. The lock file goes last: what is left by a death in
    the middle can still be adopted."""
    try:
        for path in sorted(folder.path.iterdir(), key=lambda path: path.name == LOCK):
            path.unlink(missing_ok=True)
        folder.path.rmdir()
    finally:
        folder.release()


def abandoned(root: Path) -> list[Folder]:
    """The folders whose holder is gone, oldest first, now held by this process."""
    with contextlib.suppress(FileNotFoundError):
        paths = sorted(path for path in root.iterdir() if path.name.startswith(PREFIX))
        return [folder for path in paths if (folder := _adopt(path)) is not None]
    return []


def size(root: Path, *, without: str = "") -> int:
    """The bytes of all files under `root`, but for those in folders named `without`."""
    total, todo = 0, [str(root)]
    while todo:
        with contextlib.suppress(FileNotFoundError), os.scandir(todo.pop()) as entries:
            for entry in entries:
                if not entry.is_dir(follow_symlinks=False):
                    total += _length(entry)
                elif entry.name != without:
                    todo.append(entry.path)
    return total


def _adopt(path: Path) -> Folder | None:
    """The folder at `path`, unless another holds it, or has just deleted it."""
    if not path.name.endswith(_host()) and _shows_life(path):
        return None
    try:
        descriptor = _open_lock(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), (path / LOCK).stat()):
            return Folder(path, descriptor)
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None


def _shows_life(path: Path) -> bool:
    try:
        return time.time() - (path / LOCK).stat().st_mtime < SILENCE_SECONDS
    except FileNotFoundError:
        return False


def _host() -> str:
    return sha256(socket.gethostname().encode()).hexdigest()[:8]


def _open_lock(folder: Path) -> int:
    return os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)


def _length(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_size
    except FileNotFoundError:
        return 0


def _close_inherited() -> None:
    for folder in _held:
        folder.release()


os.register_at_fork(after_in_child=_close_inherited)
