"""From the rows of the config table to the newest configuration that holds together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from data.config_store import ConfigRow
from services.config_model import KEYS, ConfigRefused, LiveConfig, parse_config

Built = TypeVar("Built")


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that is in the table but not in force."""

    id: int
    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reading(Generic[Built]):
    built: Built
    revision: int
    refused: tuple[RefusedRow, ...]


def read_config(rows: Sequence[ConfigRow], build: Callable[[LiveConfig], Built]) -> Reading[Built]:
    """The newest row of each key, as a whole that `build` accepts.

    `rows` come newest first. Where the whole is refused, the newest change to any key at fault is set
    aside, with every row of the same revision, and the rest is tried again: so the processes of a
    fleet, and one that restarts, agree on what is in force whatever someone typed. Raises ConfigRefused
    when nothing is left to set aside.
    """
    revision = max((row.id for row in rows), default=0)
    refused = [RefusedRow(row.id, row.key, "unknown key") for row in rows if row.key not in KEYS]
    standing = [row for row in rows if row.key in KEYS]
    while True:
        try:
            built = build(parse_config(_newest(standing)))
            return Reading(built, revision, tuple(refused))
        except ConfigRefused as error:
            bad = _newest_change(standing, error.problems)
            if not bad:
                raise
            refused += [RefusedRow(row.id, row.key, _reason(row, error.problems)) for row in bad]
            standing = [row for row in standing if row not in bad]


def _newest(rows: Sequence[ConfigRow]) -> dict[str, str]:
    return {row.key: row.value for row in reversed(rows)}


def _newest_change(rows: Sequence[ConfigRow], problems: dict[str, str]) -> list[ConfigRow]:
    """The newest row with a key at fault, and the rows that were changed together with it."""
    first = next((row for row in rows if row.key in problems), None)
    return [row for row in rows if first is not None and _change(row) == _change(first)]


def _change(row: ConfigRow) -> tuple[str, int]:
    return ("row", row.id) if row.revision is None else ("revision", row.revision)


def _reason(row: ConfigRow, problems: dict[str, str]) -> str:
    return problems.get(row.key, "changed together with a row that was refused")
