"""`flask train`: trains on a customer table."""

import json
import sys

import click
from redis import RedisError
from sqlalchemy import Engine

from app_settings import Settings, load_settings
from data.client_activity import ClientActivity
from data.engine import build_engine, ping
from data.redis_client import build_redis
from data.schema import upgrade
from helpers.clock import SystemClock
from jobs.commands.reporting import reported
from jobs.commands.training_words import told
from modeling.choices import Choices
from services.training import TrainingRequest, run_training
from services.training_report import TrainingReport

PATIENCE_SECONDS = 600.0  # writing a large table of customers takes its time


@click.command("train")
@click.argument("table", required=False)
@click.option("--target", metavar="COL", help="The column that says who left.")
@click.option("--id", "id_", metavar="COL", help="The column that names the customer.")
@click.option("--value", metavar="COL", help="The column that says what a customer pays a period.")
@click.option("--positive", metavar="VALUE", help="The value of the target that means: left.")
@click.option("--drop", metavar="COL", multiple=True, help="A column to leave out. May be given again.")
@click.option(
    "--keep", metavar="COL", multiple=True, help="A column to use although it looks unfit. May be given again."
)
@click.option("--strict", is_flag=True, help="Refuse requests with a category that the table does not have.")
@click.option("--name", metavar="NAME", help="What to call the winner; without it models are called by algorithm.")
@click.option("--promote", is_flag=True, help="Put the models into service at once.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for another program.")
@reported
def command(
    table: str | None,
    target: str | None,
    id_: str | None,
    value: str | None,
    positive: str | None,
    drop: tuple[str, ...],
    keep: tuple[str, ...],
    strict: bool,
    name: str | None,
    promote: bool,
    as_json: bool,
) -> None:
    """Train on TABLE: a .csv or .parquet file, URL#TABLE of any SQL database, or table:NAME of the service's own
    database. Without TABLE, made-up subscribers.

    Says what was decided and why; every decision can be overridden. The models become candidates; the very
    first ones, and those trained with --promote, go into service.
    """
    choices = Choices(target, id_, value, positive, drop, keep, strict)
    request = TrainingRequest(table, choices, name, promote)
    settings = load_settings()
    engine = build_engine(settings.database_address(), read_timeout=PATIENCE_SECONDS)
    ping(engine)
    upgrade(engine)
    report = _trained(request, engine, settings)
    click.echo(json.dumps(report.as_dict()) if as_json else told(report))


def _trained(request: TrainingRequest, engine: Engine, settings: Settings) -> TrainingReport:
    """Shows progress on standard error, and only to a person."""
    with click.progressbar(length=100, label="Training", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:

        def progress(done: int, total: int, _what: str) -> None:
            bar.update(100 * done // total - bar.pos)

        return run_training(
            request,
            engine=engine,
            models_dir=settings.var_dir / "models",
            clock=SystemClock(),
            classes=settings.model_class_paths(),
            progress=progress,
            announce=lambda: _announce(settings),
        )


def _announce(settings: Settings) -> None:
    """Training needs no Redis; without it, running processes follow at their next refresh."""
    try:
        ClientActivity(build_redis(settings.redis_address())).announce()
    except RedisError:
        period = settings.config_refresh_seconds
        click.echo(f"Redis does not answer: running processes follow within {period} seconds.", err=True)
