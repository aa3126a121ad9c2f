"""Where bytes go that cannot be shipped: a file of its own each, beside the spool, never deleted here."""

import os
import time
from pathlib import Path

import structlog

from data import folders

log = structlog.get_logger()

FOLDER = "quarantine"
SETTLED_NANOSECONDS = 2_000_000_000  # well above the steps in which file systems count time


def keep(root: Path, name: str, raw: bytes, reason: str) -> bool:
    """Writes `raw` to `root/quarantine/<name>.bad` and reports it; False when it is there already.

    Raises OSError when it cannot be kept: then it must stay where it is.
    """
    folder = root / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{name}.bad"
    if path.exists():
        return False
    draft = folder / f"{name}.{os.getpid()}.draft"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(raw)
    draft.replace(path)
    log.error("record_quarantined", file=str(path), size=len(raw), reason=reason)
    return True


class Weight:
    """The bytes of the quarantine under `root`, which may hold very many files, none of which changes once it is there:
    they are counted again when one came or went."""

    def __init__(self, root: Path) -> None:
        self._folder = root / FOLDER
        self._counted_at: int | None = None
        self._bytes = 0

    def measure(self) -> int:
        try:
            changed_at = self._folder.stat().st_mtime_ns
        except FileNotFoundError:
            return 0
        if changed_at != self._counted_at:
            self._bytes = folders.size(self._folder)
            settled = time.time_ns() - changed_at > SETTLED_NANOSECONDS
            self._counted_at = changed_at if settled else None
        return self._bytes
