"""`flask score`: scores a whole table."""

import json
import sys
from pathlib import Path

import click
import pyarrow as pa
from pyarrow import csv, parquet

from app_settings import Settings, load_settings
from data.engine import build_engine, ping
from experiments.plan import CHAMPION
from helpers.errors import UserError
from jobs.commands.reporting import reported
from modeling.registry import ModelRegistry
from services.batch_scoring import Scored, score_table
from services.config.present import config_in_force
from services.customer_tables import load_source


@click.command("score")
@click.argument("table")
@click.option("--model", metavar="REF", default=CHAMPION, show_default=True, help="An alias, or name@version.")
@click.option("--output", metavar="FILE", type=click.Path(path_type=Path), help="A .csv or .parquet file.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON, for another program.")
@reported
def command(table: str, model: str, output: Path | None, as_json: bool) -> None:
    """Score every customer of TABLE: a .csv or .parquet file, URL#TABLE, or table:NAME of the service's own database.

    Writes the id, the probability, whether it reaches the cutoff in force, and the model; without --output as CSV
    on standard output. Nothing is logged in the ledger: these are not answers to anybody.
    """
    if output is None and as_json:
        raise UserError("--json tells about the scores, which need a place of their own: add --output FILE", "output")
    if output is not None and output.suffix not in WRITERS:
        raise UserError(f"{output.name} must end in .csv or .parquet", "output")
    scored = _scored(load_settings(), table, model)
    _write(scored.table, output)
    click.echo(json.dumps(scored.as_dict()) if as_json else _said(scored), err=not as_json)


def _scored(settings: Settings, table: str, model: str) -> Scored:
    engine = build_engine(settings.database_address(), read_timeout=600.0)
    ping(engine)
    registry = ModelRegistry(settings.var_dir / "models", classes=settings.model_class_paths())
    with engine.connect() as connection:
        config = config_in_force(connection, registry)
    loaded = registry.load(config.resolve(model))
    return score_table(load_source(table, engine=engine), loaded, config.proba_cutoff)


def _write(table: pa.Table, output: Path | None) -> None:
    if output is None:
        csv.write_csv(table, sys.stdout.buffer)
    else:
        WRITERS[output.suffix](table, output)


def _said(scored: Scored) -> str:
    lines = [f"{scored.rows - scored.refused:,} of {scored.rows:,} rows scored."]
    if scored.refused:
        lines.append(f"{scored.refused:,} rows have no score: a value is missing that the model cannot do without.")
    lines += [f"{name}: {count:,} missing" for name, count in scored.missing.items()]
    lines += [f"{name}: {count:,} of a category unknown to the model" for name, count in scored.unknown.items()]
    return "\n".join(lines)


WRITERS = {".csv": csv.write_csv, ".parquet": parquet.write_table}
