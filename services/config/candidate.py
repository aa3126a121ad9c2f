"""What the configuration would be with other values: judged as every process would judge it, and written nowhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from data import config_store
from data.config_store import ConfigRow
from helpers.errors import UserError
from modeling.registry import ModelRegistry
from services.config.model import KEYS, ConfigRefused, LiveConfig
from services.config.present import in_force
from services.config.reading import TOGETHER, Reading, RefusedRow, read_table
from services.config.spelling import spelled, texts
from services.snapshot import Serving, build_serving

_FIRST = 2**62
"""The id of the first row that is not in the table: above every one that is."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A key whose text is another than before; None before anything was in force."""

    key: str
    old: str | None
    new: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """`before` is what is in force, None when nothing is; `base` the newest row of the table. `changes` are the keys
    that would change, with their text."""

    before: Serving | None
    after: Serving
    base: int
    changes: dict[str, str]

    @property
    def difference(self) -> list[Difference]:
        old = texts(self.before.config) if self.before else {}
        return [Difference(key, old.get(key), text) for key, text in sorted(self.changes.items())]


def judge(connection: Connection, registry: ModelRegistry, values: Mapping[str, Any]) -> Candidate:
    """The configuration with these values, JSON or text. Raises ConfigRefused, naming the keys, when no process would
    put it into force."""
    given = spell_all(values)
    base = config_store.latest_revision(connection)
    present = _present(connection, registry)
    rows = _rows(given)
    found = read_table(
        lambda depth: [*rows, *config_store.newest_rows(connection, depth)],
        lambda config: build_serving(config, registry),
    )
    refuse([row for row in found.refused if row.id >= _FIRST])
    _load_new(registry, present, found.built.config)
    return Candidate(
        present.built if present else None, found.built, base, _changed(present, found.built.config, given)
    )


def spell_all(values: Mapping[str, Any]) -> dict[str, str]:
    """Raises ConfigRefused naming every key that there is none of, or whose value no row can hold."""
    problems = {str(key): "unknown key; see `./run.sh config list`" for key in values if key not in KEYS}
    given = {}
    for key, value in values.items():
        try:
            given[key] = spelled(key, value)
        except ConfigRefused as error:
            problems.setdefault(key, error.problems[key])
    if problems:
        raise ConfigRefused(problems)
    return given


def refuse(rows: list[RefusedRow]) -> None:
    """Raises ConfigRefused if there are any: for the keys at fault, and not for those that came with them."""
    at_fault = {row.key: row.reason for row in rows if row.reason != TOGETHER}
    if rows:
        raise ConfigRefused(at_fault or {row.key: row.reason for row in rows})


def _present(connection: Connection, registry: ModelRegistry) -> Reading[Serving] | None:
    try:
        return in_force(connection, registry)
    except ConfigRefused:
        return None


def _load_new(registry: ModelRegistry, present: Reading[Serving] | None, after: LiveConfig) -> None:
    """An alias that nothing uses yet would break only when it is used: by a later change, which is innocent of it."""
    known = set(present.built.config.aliases.items()) if present else set()
    for name, ref in sorted(set(after.aliases.items()) - known):
        try:
            registry.load(ref)
        except UserError as error:
            raise ConfigRefused({"aliases": f"{name}: {error}"}) from error


def _rows(given: Mapping[str, str]) -> list[ConfigRow]:
    """As the table would have them, the newest first."""
    revision, at = _FIRST + len(given) - 1, datetime.max.replace(tzinfo=UTC)
    numbered = enumerate(given.items(), start=_FIRST)
    return [ConfigRow(number, at, key, text, revision, None, None) for number, (key, text) in numbered][::-1]


def _changed(present: Reading[Serving] | None, after: LiveConfig, given: Mapping[str, str]) -> dict[str, str]:
    """Of the keys given those that change something: the value in force, or that a row of theirs is refused."""
    wanted = {key: text for key, text in texts(after).items() if key in given}
    if present is None:
        return wanted
    old = texts(present.built.config)
    refused = {row.key for row in present.refused}
    return {key: text for key, text in wanted.items() if old[key] != text or key in refused}
