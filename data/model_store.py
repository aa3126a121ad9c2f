"""The models that were trained (`model_metadata`); their files are in `VAR_DIR/models`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from data.dialect import insert_counted
from data.tables import model_metadata


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """One version; `card` is its card.json, `manifest_sha256` the digest of its manifest.json."""

    id: int
    name: str
    version: str
    created_at: datetime
    card: dict[str, Any]
    manifest_sha256: str


def add(
    connection: Connection, name: str, version: str, created_at: datetime, card: dict[str, Any], manifest_sha256: str
) -> int:
    """Adds a version and gives its id. Raises IntegrityError when there is that version already."""
    row = {
        "name": name,
        "version": version,
        "created_at": created_at,
        "card": card,
        "manifest_sha256": manifest_sha256,
    }
    return insert_counted(connection, model_metadata, row)


def find(connection: Connection, name: str, version: str) -> ModelRecord | None:
    wanted = select(model_metadata).where(model_metadata.c.name == name, model_metadata.c.version == version)
    row = connection.execute(wanted).mappings().first()
    return ModelRecord(**row) if row else None


def list_models(connection: Connection, limit: int | None = None, before: int | None = None) -> list[ModelRecord]:
    """The newest `limit` versions, or all of them, newest first; those with an id below `before` if it is given."""
    newest = select(model_metadata).order_by(model_metadata.c.id.desc()).limit(limit)
    wanted = newest if before is None else newest.where(model_metadata.c.id < before)
    return [ModelRecord(**row) for row in connection.execute(wanted).mappings()]


def references(connection: Connection) -> list[str]:
    """Every version as `name@version`, the newest first."""
    rows = connection.execute(
        select(model_metadata.c.name, model_metadata.c.version).order_by(model_metadata.c.id.desc())
    )
    return [f"{name}@{version}" for name, version in rows]


def next_version(connection: Connection, name: str) -> str:
    """One more than the highest whole number among the versions of `name`; `1` for a new name."""
    versions = connection.scalars(select(model_metadata.c.version).where(model_metadata.c.name == name))
    return str(max((int(version) for version in versions if version.isdecimal()), default=0) + 1)
