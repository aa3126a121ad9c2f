"""The configuration in force now, as every web process reads it from the table."""

from sqlalchemy import Connection

from data.config_store import newest_rows
from modeling.registry import ModelRegistry
from services.config.model import ConfigRefused, LiveConfig
from services.config.reading import Reading, read_table
from services.snapshot import Serving, build_serving


def in_force(connection: Connection, registry: ModelRegistry) -> Reading[Serving]:
    """A row whose models cannot be loaded is set aside. Raises ConfigRefused when nothing can be in force."""
    return read_table(lambda depth: newest_rows(connection, depth), lambda config: build_serving(config, registry))


def config_in_force(connection: Connection, registry: ModelRegistry) -> LiveConfig:
    """The values alone, for a command or a duty.

    Where nothing can be in force, as before the first training or on a machine without models, they are those of the
    table alone. Raises ConfigRefused when these do not hold together either.
    """
    try:
        return in_force(connection, registry).built.config
    except ConfigRefused:
        return read_table(lambda depth: newest_rows(connection, depth), lambda config: config).built
