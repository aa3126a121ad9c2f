"""What is known of one client: its scores over time, what changed, why, and what was done and became of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

from sqlalchemy import Connection, Engine

from data import action_store, feature_store, outcome_store, prediction_log, suggestion_store
from data.action_store import Action
from data.outcome_store import Outcome
from data.prediction_log import LedgerRow
from data.suggestion_store import Suggestion
from helpers.clock import Clock
from modeling.registry import ModelRegistry
from services.call_list import held_out, midnight
from services.client_story_parts import Change, Report, Stay, Story
from services.row_reasons import Explainer, Reasons
from services.snapshot import Snapshot
from services.suggestions import suggest

MOST_SCORES = 500
MOST_EVENTS = 100


@dataclass(frozen=True, slots=True)
class _Found:
    rows: list[LedgerRow]
    actions: list[Action]
    outcomes: list[Outcome]
    customer: bool
    table: list[Suggestion]


def story(engine: Engine, clock: Clock, registry: ModelRegistry, snapshot: Snapshot, client_id: str) -> Story:
    """Raises SQLAlchemyError."""
    with engine.connect() as connection:
        found = _found(connection, client_id)
    now, rows = clock.now(), found.rows
    held = held_out(snapshot, client_id) or bool(rows and rows[0].prediction is None)
    reasons = Explainer(registry).reasons(rows[0]) if rows and not held else Reasons(())
    return Story(
        client_id=client_id,
        as_of=now,
        rows=[_closed(row) for row in rows] if held else rows,
        held=held,
        customer=found.customer,
        reasons=reasons,
        suggestion=suggest(found.table, reasons.found),
        changes=changes(rows[1], rows[0]) if len(rows) > 1 else (),
        stays=stays(rows),
        actions=found.actions,
        reports=reports(found.outcomes),
        rests_until=_rests_until(found.actions, now, snapshot.config.contact_rest_days),
    )


def changes(before: LedgerRow, after: LedgerRow) -> list[Change]:
    """The inputs that differ, in the order of the newer answer's; those that one of the two lacks among them."""
    names = dict.fromkeys((*after.input, *before.input))
    pairs = [Change(name, before.input.get(name), after.input.get(name)) for name in names]
    return [pair for pair in pairs if pair.before != pair.after]


def stays(rows: Sequence[LedgerRow]) -> list[Stay]:
    """The arms that a client met, newest first; `rows` are its answers, newest first."""
    found = []
    for (experiment, arm), group in groupby(rows, key=lambda row: (row.experiment, row.arm)):
        together = list(group)
        found.append(Stay(experiment, arm, together[-1].answered_at, together[0].answered_at, len(together)))
    return found


def reports(outcomes: Sequence[Outcome]) -> list[Report]:
    """`outcomes` are the newest observation first."""
    counting = max(outcomes, key=lambda each: (each.observed_at, each.churned), default=None)
    return [Report(each, each is counting) for each in outcomes]


def _found(connection: Connection, client_id: str) -> _Found:
    return _Found(
        rows=prediction_log.latest(connection, client_id, MOST_SCORES),
        actions=action_store.of_client(connection, client_id, MOST_EVENTS),
        outcomes=outcome_store.of_client(connection, client_id, MOST_EVENTS),
        customer=bool(feature_store.customers(connection, [client_id])),
        table=suggestion_store.list_all(connection),
    )


def _closed(row: LedgerRow) -> LedgerRow:
    """The row without its score, and without all that tells of it."""
    return replace(row, prediction=None, high_risk=None, money_at_risk=None, output={}, silent_scores={})


def _rests_until(actions: Sequence[Action], now: datetime, rest_days: int) -> datetime | None:
    """At the earliest the day after the newest action."""
    if not actions:
        return None
    at = actions[0].at
    until = max(at + timedelta(days=rest_days), midnight(at) + timedelta(days=1))
    return until if until > now else None
