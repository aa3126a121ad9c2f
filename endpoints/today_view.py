"""What the first page shows, gathered for its template."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from data.config_change_store import APPROVED, DRAFT, PROMOTED, REHEARSED, Change
from endpoints.call_list_view import CallRow
from endpoints.experiments_view import RunningCard
from endpoints.times import ago
from endpoints.wording import label
from experiments.plan import CHAMPION
from services.call_list import Day
from services.config.model import LiveConfig
from services.models import Known
from services.monitoring.alerts import Alert

WAITS_FOR = {
    DRAFT: "Not rehearsed yet",
    REHEARSED: "Rehearsed, and waits to be promoted",
    APPROVED: "Approved, and waits to be promoted",
    PROMOTED: "In force, and watched",
}
MOST_MODELS = 5


@dataclass(frozen=True, slots=True)
class Calls:
    """The day's calls, and the first clients to call."""

    day: Day
    rows: Sequence[CallRow]


@dataclass(frozen=True, slots=True)
class Step:
    """A change of the configuration that is on its way."""

    change: Change
    keys: str
    waits: str
    since: str


@dataclass(frozen=True, slots=True)
class FreshModel:
    """A model that was trained after the champion, and has no duty yet. `auc` and `of_champion` are None where a card
    does not tell."""

    known: Known
    name: str
    trained: str
    auc: float | None
    of_champion: float | None


@dataclass(frozen=True, slots=True)
class TodayView:
    """`calls` is None while no model is in service."""

    now: datetime
    alerts: Sequence[Alert]
    calls: Calls | None
    running: Sequence[RunningCard]
    changes: Sequence[Step]
    models: Sequence[FreshModel]


def steps_of(changes: Iterable[Change], now: datetime) -> list[Step]:
    """Those that wait for somebody, or are watched still."""
    waiting = (change for change in changes if change.open or _watched(change, now))
    return [
        Step(change, ", ".join(sorted(change.changes)), WAITS_FOR[change.state], ago(change.created_at, now))
        for change in waiting
    ]


def fresh_models(known: Iterable[Known], config: LiveConfig, now: datetime) -> list[FreshModel]:
    """Those that were recorded after the champion and serve nowhere, the newest first."""
    found = list(known)
    champion = next((each for each in found if each.ref == config.resolve(CHAMPION)), None)
    if champion is None or champion.recorded_at is None:
        return []
    busy = {config.resolve(name) for name in (*config.served_names(), *config.aliases)}
    later = [each for each in found if each.recorded_at and each.recorded_at > champion.recorded_at]
    return [_fresh(each, champion, now) for each in later if each.ref not in busy and not each.problem][:MOST_MODELS]


def _fresh(known: Known, champion: Known, now: datetime) -> FreshModel:
    name = f"{label(known.card.name)} {known.card.version}"
    trained = ago(known.recorded_at, now) if known.recorded_at else ""
    return FreshModel(known, name, trained, _auc(known), _auc(champion))


def _auc(known: Known) -> float | None:
    found = known.card.metrics.get("roc_auc")
    return found.mean if found else None


def _watched(change: Change, now: datetime) -> bool:
    return change.state == PROMOTED and change.watched_until is not None and change.watched_until > now
