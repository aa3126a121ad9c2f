"""The configuration as it was in force at some earlier revision of the table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from data import model_store
from data.config_store import ConfigRow, newest_rows
from helpers.errors import UserError
from modeling.registry import ModelRegistry
from services.config.model import ConfigRefused, LiveConfig
from services.config.reading import RefusedRow, read_table
from services.snapshot import Serving, build_serving


@dataclass(frozen=True, slots=True)
class Past:
    """`refused` are the rows that are set aside. `gone` maps models that were there once and cannot be loaded now to
    the reason: a row that is set aside for one of them may have been in force then. A model that somebody merely typed,
    and that was never trained here, is not among them."""

    serving: Serving
    refused: tuple[RefusedRow, ...]
    gone: Mapping[str, str]


def past_config(connection: Connection, registry: ModelRegistry, revision: int) -> Past:
    """What the rows up to `revision` come to, by the rules by which they are read while they are the newest.

    Raises UserError when the row `revision` is gone, or when nothing can be put together of what is left.
    """
    unloadable: dict[str, str] = {}

    def build(config: LiveConfig) -> Serving:
        unloadable.update(_unloadable(config, registry))
        return build_serving(config, registry)

    try:
        found = read_table(lambda depth: newest_rows(connection, depth, until=revision), build)
    except ConfigRefused as error:
        raise UserError(f"config revision {revision} cannot be put together again: {error}", "config") from error
    if found.revision != revision:
        message = f"row {revision} of the config table is gone: bring the table back from a backup"
        raise UserError(message, "config")
    gone = {ref: why for ref, why in unloadable.items() if _was_there(connection, found.rows, ref)}
    return Past(found.built, found.refused, gone)


def _was_there(connection: Connection, rows: Sequence[ConfigRow], ref: str) -> bool:
    """It is on record, or a row names it that was checked before it was written."""
    if "@" not in ref:
        return False
    checked = any(row.revision is not None and f'"{ref}"' in row.value for row in rows)
    return checked or model_store.find(connection, *ref.split("@")) is not None


def _unloadable(config: LiveConfig, registry: ModelRegistry) -> dict[str, str]:
    found = {}
    for name in config.served_names():
        reference = config.aliases.get(name, name)
        try:
            registry.load(reference)
        except UserError as error:
            found[reference] = str(error)
    return found
