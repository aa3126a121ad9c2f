"""The config rows as last read, on disk: what a process starts from while the database is away."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import orjson
import structlog
from pydantic import TypeAdapter, ValidationError

from data.config_store import ConfigRow
from helpers.ids import new_id

log = structlog.get_logger()


class LastConfig:
    """A file that every process of a machine writes alike; a reader finds one writing of it or another."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written = b""

    def remember(self, rows: Sequence[ConfigRow]) -> None:
        """Writes the rows if they differ from the last ones; a disk that refuses is only logged."""
        body = orjson.dumps([asdict(row) for row in rows])
        if body == self._written:
            return
        draft = self._path.with_name(f"{self._path.name}.{new_id()}")
        try:
            draft.write_bytes(body)
            draft.replace(self._path)
        except OSError as error:
            log.warning("config_not_remembered", reason=str(error))
            return
        self._written = body

    def recall(self) -> list[ConfigRow]:
        """The rows, newest first; none when there is no such file or it cannot be read."""
        try:
            return TypeAdapter(list[ConfigRow]).validate_json(self._path.read_bytes())
        except (OSError, ValidationError):
            return []
