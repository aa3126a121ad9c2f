"""`flask readout`: what an experiment has shown so far, on the terminal."""

from collections.abc import Iterator

import click
import orjson
from sqlalchemy import Engine

from app_settings import Settings, load_settings
from data.engine import build_engine, ping
from experiments.statistics import Estimate
from helpers.clock import SystemClock
from jobs.commands.reporting import reported
from modeling.registry import ModelRegistry
from services.config.model import LiveConfig
from services.config.present import config_in_force
from services.readout.parts import ArmReadout, ModelQuality
from services.readout.reading import Readout, read

SECONDS = 600.0  # nobody waits for a page here
HEADS = ("arm", "clients", "matured", "left", "churn rate", "to control", "", "kept a client")


@click.command("readout")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for another program.")
@reported
def command(name: str, as_json: bool) -> None:
    """Show what the experiment NAME has shown so far; holdout/2026-11 is a month of the permanent holdout.

    It may be asked every day: the intervals hold for all looks together.
    """
    settings = load_settings()
    engine = build_engine(settings.database_address(), read_timeout=SECONDS)
    ping(engine)
    found = read(engine, SystemClock(), _config(settings, engine), name)
    click.echo(orjson.dumps(found.as_dict()) if as_json else "\n".join(_lines(found)))


def _config(settings: Settings, engine: Engine) -> LiveConfig:
    registry = ModelRegistry(settings.var_dir / "models", classes=settings.model_class_paths())
    with engine.connect() as connection:
        return config_in_force(connection, registry)


def _lines(found: Readout) -> Iterator[str]:
    until = f" until {found.stopped_at:%Y-%m-%d}" if found.stopped_at else ""
    since = f", since {found.started_at:%Y-%m-%d}{until}" if found.started_at else ""
    yield f"{found.experiment} ({found.state}{since}; read {found.read_at:%Y-%m-%d %H:%M} UTC)"
    yield from ("", found.verdict, "")
    yield from _table([HEADS, *(_row(arm) for arm in found.arms)])
    yield from ("", *(f"{arm.arm}: {arm.reason}" for arm in found.arms if arm.reason))
    if found.mismatch:
        yield f"Shares: {found.mismatch.sentence} (p {found.mismatch.p_value:.3g})"
    yield from (f"Power: {found.power.sentence}", f"Money: {found.money.sentence}")
    yield from _qualities(found)
    yield from (f"Warning: {warning}" for warning in found.warnings)


def _row(arm: ArmReadout) -> tuple[str, ...]:
    compared = arm.difference
    difference = _span(Estimate(compared.value, compared.low, compared.high)) if compared else ""
    return (
        arm.arm,
        f"{arm.clients:,}",
        f"{arm.matured:,}",
        "" if arm.churned is None else f"{arm.churned:,}",
        _span(arm.churn_rate) if arm.churn_rate else "",
        difference,
        compared.finding if compared else "",
        f"{arm.kept_per_client.value:,.2f}" if arm.kept_per_client else "",
    )


def _span(found: Estimate) -> str:
    value, low, high = (f"{100 * each:.2f}" for each in (found.value, found.low, found.high))
    return f"{value}% [{low}, {high}]"


def _qualities(found: Readout) -> Iterator[str]:
    rows: list[tuple[str, ...]] = [("model", "on", "clients", "AUC", "Brier", "ECE")]
    rows += [_quality(each, arm.arm) for arm in found.arms for each in arm.quality]
    rows += [_quality(shadow.silent, f"{shadow.arm}, silently") for shadow in found.shadows]
    yield from ("", *_table(rows), "") if len(rows) > 1 else ()


def _quality(each: ModelQuality, where: str) -> tuple[str, ...]:
    figures = (each.auc, each.brier, each.ece)
    return (each.model, where, f"{each.n:,}", *("" if figure is None else f"{figure:.4f}" for figure in figures))


def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
