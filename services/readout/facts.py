"""Which experiments there are, and what is known of each besides its clients."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Engine

from data import config_store, readout_counts
from data.config_store import ConfigRow
from data.exposures import TREATED_ARM
from experiments.plan import HOLDOUT
from helpers.errors import UserError
from services.config.model import LiveConfig
from services.experiments import runs
from services.readout.parts import ExperimentFacts, State
from services.runs import Run

MONTHS = f"{HOLDOUT}/"
PERCENTAGE = "holdout_percentage"
SALT = "holdout_salt"
HISTORY = 1_000


class UnknownExperiment(UserError):
    """There is no experiment of that name."""


def all_facts(engine: Engine) -> list[ExperimentFacts]:
    """The experiments that ever ran, the newest first, then those that only the ledger knows, then the months of the
    permanent holdout, the newest first."""
    ran = [_of_run(run) for run in runs(engine)]
    with engine.connect() as connection:
        names = readout_counts.names(connection)
        months = months_of(connection)
        changes = _holdout_changes(connection)
    known = {facts.name for facts in ran}
    others = [ExperimentFacts(name) for name in names if name not in known and not is_month(name)]
    return [*(replace(facts, holdout_changes=changes) for facts in (*ran, *others)), *reversed(months)]


def months_of(connection: Connection) -> list[ExperimentFacts]:
    """The months of the permanent holdout that any client was in, oldest first."""
    changes, percentages = _holdout_changes(connection), _history(connection, PERCENTAGE)
    names = [name for name in readout_counts.names(connection) if is_month(name)]
    return [replace(_of_month(percentages, name), holdout_changes=changes) for name in names]


def facts_of(engine: Engine, name: str) -> ExperimentFacts:
    """Raises UnknownExperiment with the names that there are."""
    run = next((_of_run(run) for run in runs(engine) if run.name == name), None)
    with engine.connect() as connection:
        found = run or _of_ledger(connection, name)
        if found:
            return replace(found, holdout_changes=_holdout_changes(connection))
    known = ", ".join(repr(each.name) for each in all_facts(engine)) or "none so far"
    raise UnknownExperiment(f"there is no experiment {name!r}; there are: {known}", "name")


def state_of(facts: ExperimentFacts, now: datetime) -> State:
    """An experiment whose arms are not known is one that the config table has forgotten."""
    if is_month(facts.name):
        return "permanent"
    if ended(facts, now) or not facts.arms:
        return "stopped"
    return "paused" if facts.paused else "running"


def ended(facts: ExperimentFacts, now: datetime) -> datetime | None:
    """When no more clients came, if that is so by now."""
    return facts.stopped_at if facts.stopped_at and facts.stopped_at <= now else None


def is_month(name: str) -> bool:
    """Whether it names a month of the permanent holdout."""
    return name.startswith(MONTHS)


def newest_matured(now: datetime, maturity_days: int) -> datetime:
    """The first instant of the newest month (UTC) of which even the last client has matured."""
    latest = now.astimezone(UTC) - timedelta(days=maturity_days)
    this_month = latest.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (this_month - timedelta(days=1)).replace(day=1)


def _holdout_changes(connection: Connection) -> tuple[datetime, ...]:
    """When the holdout got another size or salt, as the config's history tells."""
    return tuple(at for key in (PERCENTAGE, SALT) for at in _changes(connection, key))


def _changes(connection: Connection, key: str) -> Iterator[datetime]:
    """A row that repeats the value before it changes nothing."""
    value = f"{LiveConfig.model_fields[key].default}"
    for row in reversed(_history(connection, key)):
        if _plain(row.value) != _plain(value):
            yield row.inserted_at
        value = row.value


def _plain(value: str) -> str | float:
    """`10` and `10.0` are one value."""
    try:
        return float(value)
    except ValueError:
        return value


def _history(connection: Connection, key: str) -> Sequence[ConfigRow]:
    return config_store.history(connection, key, limit=HISTORY)


def _of_ledger(connection: Connection, name: str) -> ExperimentFacts | None:
    """One that no configuration tells of."""
    if name not in readout_counts.names(connection):
        return None
    return _of_month(_history(connection, PERCENTAGE), name) if is_month(name) else ExperimentFacts(name)


def _of_run(run: Run) -> ExperimentFacts:
    return ExperimentFacts(run.name, run.arms, run.layer, run.salt, run.started_at, run.stopped_at, run.paused)


def _of_month(percentages: Sequence[ConfigRow], name: str) -> ExperimentFacts:
    begins = datetime.strptime(name, f"{MONTHS}%Y-%m").replace(tzinfo=UTC)
    ends = datetime(begins.year + begins.month // 12, begins.month % 12 + 1, 1, tzinfo=UTC)
    percentage = _percentage(percentages, begins, ends)
    arms = {HOLDOUT: percentage / 100, TREATED_ARM: 1 - percentage / 100} if percentage else {}
    return ExperimentFacts(name, arms, started_at=begins, stopped_at=ends)


def _percentage(rows: Sequence[ConfigRow], begins: datetime, ends: datetime) -> float | None:
    """The one that was in force for the whole month; None when there were several, or it cannot be told."""
    until = [row for row in rows if row.inserted_at < ends]
    before = [row for row in until if row.inserted_at <= begins][:1]
    try:
        values = {float(row.value) for row in (*before, *(row for row in until if row.inserted_at > begins))}
    except ValueError:
        return None
    return values.pop() if before and len(values) == 1 else None
