"""Where finished batches of the ledger are kept for good, as objects under keys."""

import os
from pathlib import Path
from typing import Protocol


class Archive(Protocol):
    def warm(self) -> None:
        """Loads what the first `put` needs, and connects to nothing; to be called in the background."""
        ...

    def put(self, key: str, body: bytes) -> None:
        """Keeps `body` under `key`, a relative path with `/`. The same key always has the same body, so
        an object that is there already is left as it is. Raises when it cannot be kept now."""
        ...


class FolderArchive:
    """Objects as files in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def warm(self) -> None:
        """Nothing is needed."""

    def put(self, key: str, body: bytes) -> None:
        """The file appears whole or not at all. Raises OSError; ValueError for a key that leaves the folder."""
        path = self._path(key)
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.write_bytes(body)
        draft.replace(path)

    def _path(self, key: str) -> Path:
        parts = key.split("/")
        if any(part in {"", ".", ".."} for part in parts):
            raise ValueError(f"{key!r} is not a key of the archive")
        return self._folder.joinpath(*parts)
