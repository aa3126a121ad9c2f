"""Where bytes go that cannot be shipped: a file of its own each, beside the spool, never deleted here."""

import os
from pathlib import Path

import structlog

log = structlog.get_logger()

FOLDER = "quarantine"


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
