"""`flask init`: everything that a deployment needs once."""

import subprocess  # nosec B404
import sys

import click
from sqlalchemy import Engine

from app_settings import Settings, load_settings
from data.config_store import newest_rows
from data.engine import build_engine, ping
from data.schema import upgrade
from helpers.clock import SystemClock
from helpers.errors import UserError
from jobs.commands.reporting import reported
from services.accounts import AccountService


@click.command("init")
@reported
def command() -> None:
    """Bring the database to the newest schema, train a first model when there is none, and in a local
    deployment make a first user. Safe to run again."""
    settings = load_settings()
    engine = build_engine(settings.database_address())
    ping(engine)
    upgrade(engine)
    _first_model(engine)
    if settings.environment == "local":
        _first_user(engine, settings)


def _first_model(engine: Engine) -> None:
    with engine.connect() as connection:
        in_service = any(row.key == "aliases" for row in newest_rows(connection, per_key=1))
    if in_service:
        return
    click.echo("No model is in service yet: training a first one on made-up subscribers.")
    # In a process of its own: what training imports is not needed after it.
    trained = subprocess.run(  # nosec B603
        [sys.executable, "-m", "flask", "--app", "app", "train", "--promote"], check=False
    )
    if trained.returncode:
        raise UserError("The first model could not be trained; see above.")


def _first_user(engine: Engine, settings: Settings) -> None:
    """The first user's password is kept beside the local secrets, for the owner of the folder alone."""
    made = AccountService(engine, SystemClock()).ensure_first_user()
    if made is None:
        return
    path = settings.var_dir / "first-user.txt"
    path.touch(mode=0o600)
    path.write_text(f"{made[0]}\n{made[1]}\n", encoding="utf-8")
