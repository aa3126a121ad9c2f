"""Looks for one record in the outbox of this machine, without holding or changing any of it."""

from pathlib import Path
from typing import Literal

import orjson

from data import folders, quarantine
from data.journal import SUFFIX


def whereabouts(root: Path, prediction_id: str) -> Literal["spool", "quarantine"] | None:
    """Where the record of that prediction lies under `root`; None when it is not there."""
    wanted = b'"prediction_id":' + orjson.dumps(prediction_id)
    if any(wanted in _read(path) for path in root.glob(f"{folders.PREFIX}*/*{SUFFIX}")):
        return "spool"
    return "quarantine" if any(wanted in _read(path) for path in root.glob(f"{quarantine.FOLDER}/*.bad")) else None


def _read(path: Path) -> bytes:
    """Nothing, when the file was shipped and deleted meanwhile."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
