"""Puts freshly trained models into service: a config change like any other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection

from data import config_store
from experiments.plan import CHAMPION
from services.config.changes import Turn
from services.config.present import config_in_force
from services.config.promoting import refuse_alone

ALIASES, CUTOFF = "aliases", "proba_cutoff"
CHALLENGER, HEURISTIC = "challenger", "heuristic"
AUTHOR = "train"


@dataclass(frozen=True, slots=True)
class Promotion:
    """What was appended to the config; `cutoff` is None when the one in force was left alone."""

    revision: int
    aliases: dict[str, str]
    cutoff: float | None


def aliases_in_force(connection: Connection) -> dict[str, str]:
    """The newest aliases that can be read; empty when nothing was ever in service."""
    rows = [row for row in config_store.newest_rows(connection) if row.key == ALIASES]
    return next((found for row in rows if (found := _aliases(row.value))), {})


def _aliases(text: str) -> dict[str, str]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return {str(name): str(ref) for name, ref in found.items()} if isinstance(found, dict) else {}


def roles(algorithms: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Aliases for models given as (algorithm, ref), the winner first: it is the champion, the best other learned
    model the challenger, the rule of thumb the heuristic."""
    refs = dict(algorithms)
    named = {CHAMPION: algorithms[0][1]}
    others = [ref for algorithm, ref in algorithms[1:] if algorithm != HEURISTIC]
    if others:
        named[CHALLENGER] = others[0]
    if HEURISTIC in refs:
        named[HEURISTIC] = refs[HEURISTIC]
    return named


def promote(mine: Turn, named: Mapping[str, str], cutoff: float, reason: str) -> Promotion:
    """Adds the aliases to those in force, and sets the cutoff when none was ever set. Raises ConfigRefused when the
    models do not go together with the rest of the configuration, or where others are in service and a second person
    must approve; the transaction must then be rolled back."""
    present = config_in_force(mine.connection, mine.registry)
    if present.aliases:
        refuse_alone(present)
    aliases = {**present.aliases, **named}
    values: dict[str, Any] = {ALIASES: aliases}
    first = not any(row.key == CUTOFF for row in config_store.newest_rows(mine.connection, per_key=1))
    if first:
        values[CUTOFF] = f"{cutoff:g}"
    revision = mine.apply(values, AUTHOR, reason)
    return Promotion(revision, aliases, cutoff if first else None)
