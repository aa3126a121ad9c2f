"""The configuration as it was in force at some earlier revision of the table."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from data.config_store import newest_rows
from helpers.errors import UserError
from modeling.registry import ModelRegistry
from services.config.model import ConfigRefused, LiveConfig
from services.config.reading import RefusedRow, read_table
from services.snapshot import Serving, build_serving


@dataclass(frozen=True, slots=True)
class Past:
    """`refused` are the rows that are set aside. `gone` maps the models that some row names and that cannot be
    loaded now to the reason: a row that is set aside for one of them may have been in force then."""

    serving: Serving
    refused: tuple[RefusedRow, ...]
    gone: Mapping[str, str]


def past_config(connection: Connection, registry: ModelRegistry, revision: int) -> Past:
    """What the rows up to `revision` come to, by the rules by which they are read while they are the newest.

    Raises UserError when the row `revision` is gone, or when nothing can be put together of what is left.
    """
    gone: dict[str, str] = {}

    def build(config: LiveConfig) -> Serving:
        gone.update(_unloadable(config, registry))
        return build_serving(config, registry)

    try:
        found = read_table(lambda depth: newest_rows(connection, depth, until=revision), build)
    except ConfigRefused as error:
        raise UserError(f"config revision {revision} cannot be put together again: {error}", "config") from error
    if found.revision != revision:
        message = f"row {revision} of the config table is gone: bring the table back from a backup"
        raise UserError(message, "config")
    return Past(found.built, found.refused, gone)


def _unloadable(config: LiveConfig, registry: ModelRegistry) -> dict[str, str]:
    found = {}
    for name in config.served_names():
        reference = config.aliases.get(name, name)
        try:
            registry.load(reference)
        except UserError as error:
            found[reference] = str(error)
    return found
