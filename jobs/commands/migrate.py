"""`flask migrate`: brings the database to the newest schema."""

import click

from app_settings import load_settings
from data.engine import build_engine, ping
from data.schema import upgrade
from jobs.commands.reporting import reported


@click.command("migrate")
@reported
def command() -> None:
    """Create or upgrade the tables. Safe to run again, and from several machines at once."""
    engine = build_engine(load_settings().database_address())
    ping(engine)
    upgrade(engine)
    click.echo("The database is at the newest schema.")
