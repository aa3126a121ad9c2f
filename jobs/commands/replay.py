"""`flask replay`: recomputes a stored answer."""

import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import click

from app_settings import load_settings
from data.engine import build_engine, ping
from helpers.canonical import canonical_json
from jobs.commands.reporting import reported
from modeling.registry import ModelRegistry
from services.replay import Replay, replay
from services.replayed_fields import HELD_BACK, Compared

SAME = "The answer is the same bit for bit."
MISSING = "The answer cannot be recomputed as long as something is missing."
DIFFERENT = (
    "The answer is not the same: since it was given, the ledger row, a row of the config table or the program was"
    " changed. The archive (S3_BUCKET, or VAR_DIR/archive) holds the row as it was given."
)


@click.command("replay")
@click.argument("prediction_id")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for another program.")
@reported
def command(prediction_id: str, as_json: bool) -> None:
    """Recompute the answer PREDICTION_ID from the model, the config revision and the input that it is stamped with.

    Says of each field whether it comes out bit for bit. Exits with 1 when one does not, or when something is
    missing that the answer was computed from. Only reads, and needs no running service.
    """
    settings = load_settings()
    engine = build_engine(settings.database_address())
    ping(engine)
    registry = ModelRegistry(settings.var_dir / "models", classes=settings.model_class_paths())
    found = replay(engine, registry, settings.var_dir / "spool", prediction_id)
    click.echo(json.dumps(found.as_dict()) if as_json else "\n".join(_told(found)))
    sys.exit(0 if found.same else 1)


def _told(found: Replay) -> Iterator[str]:
    if found.row is not None:
        row = found.row
        yield f"{row.prediction_id}: client {row.client_id}, answered {row.answered_at:%Y-%m-%d %H:%M:%S} UTC"
        yield f"under config revision {row.config_revision} by {row.model}@{row.model_version}.\n"
    yield from _table(found.fields)
    taken = ", ".join(f"{name} {_spelled(value)}" for name, value in found.taken.items())
    yield from ([f"\nTaken from the row, since nothing can recompute it: {taken}."] if found.fields else [])
    yield from (f"Note: {text}." for text in found.notes)
    yield from (f"Missing: {text}" for text in found.missing)
    yield MISSING if found.missing else SAME if found.same else DIFFERENT


def _table(fields: Sequence[Compared]) -> Iterator[str]:
    width = max((len(field.field) for field in fields), default=0)
    yield from ([f"{'':9}  {'':{width}}  in the ledger | now"] if fields else [])
    for field in fields:
        verdict = "same" if field.same else "different"
        values = HELD_BACK if field.held_back else f"{_spelled(field.stored)} | {_spelled(field.recomputed)}"
        yield f"{verdict:9}  {field.field:{width}}  {values}"


def _spelled(value: Any) -> str:
    """Every digit that counts; `-` for nothing."""
    return "-" if value is None else canonical_json(value).decode()
