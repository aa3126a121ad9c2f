"""Watches challengers, and pauses by itself those that do harm; only people resume them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, Engine

from data import guardrail_store, notifications
from data.client_activity import ClientActivity
from data.notifications import Notification
from experiments.guardrails import Breach, Limits, breaches, brier_breach, overlap_breach
from helpers.clock import Clock
from modeling.registry import ModelRegistry
from services import audit
from services.challengers import Challenge, challenges, conduct_of_arm, conducts_of_shadow
from services.config.changes import turn
from services.config.model import ConfigRefused, LiveConfig
from services.config.present import in_force
from services.config.reading import Reading
from services.letters import GUARDRAIL
from services.snapshot import Serving
from services.squared_errors import squared_errors

AUTHOR, ACTION = "guardrails", "challenger_paused"
BRIER = "brier"
MATURED = " Matured clients go on counting: before you bring it back, raise guardrails.brier or set it to null."
ASSIGNING = frozenset({"experiment", "layers", "paused", "shadow", "aliases"})

log = structlog.get_logger()
Findings = Mapping[Challenge, Sequence[Breach]]


@dataclass(frozen=True, slots=True)
class Guard:
    """Compares every challenger with its champion. `announce` tells the fleet of a change.

    Both watches give what they paused, and raise SQLAlchemyError or redis.RedisError.
    """

    engine: Engine
    registry: ModelRegistry
    activity: ClientActivity
    clock: Clock
    announce: Callable[[], object]

    def watch_answers(self) -> Findings:
        """By what models answered of late: errors, latency, high risk, shift of scores, overlap."""
        with self.engine.connect() as connection:
            reading = _in_force(connection, self.registry)
            watched = challenges(reading.built.config) if reading else []
            if not reading or not watched:
                return {}
            since = _since(reading, self.clock.now())
            rows = guardrail_store.recent_answers(connection, since)
        if len(rows) == guardrail_store.MOST_ROWS:
            since = rows[-1].answered_at
        limits = reading.built.config.guardrails.limits
        return self._pause({each: list(self._broken(limits, each, rows, since)) for each in watched})

    def watch_outcomes(self) -> Findings:
        """By what became of clients: the Brier score. It asks much of the database, and changes slowly."""
        with self.engine.connect() as connection:
            reading = _in_force(connection, self.registry)
            if not reading or reading.built.config.guardrails.brier is None:
                return {}
            config, now, found = reading.built.config, self.clock.now(), {}
            for each in challenges(config):
                its, usual = squared_errors(connection, each, now, config.maturity_days)
                breach = brier_breach(config.guardrails.limits, each.model, its, usual)
                found[each] = [breach] if breach else []
        return self._pause(found)

    def _broken(
        self, limits: Limits, each: Challenge, rows: Sequence[guardrail_store.RecentAnswer], since: datetime
    ) -> Iterator[Breach]:
        usual_failures = self._failures(each.champion, since)
        if each.experiment is None:
            its, usual = conducts_of_shadow(rows, each, usual_failures)
            overlap = overlap_breach(limits, each.model, its.scores, usual.scores)
            yield from [overlap] if overlap else []
        else:
            its = conduct_of_arm(rows, each.experiment, each.arm or "", each.model, self._failures(each.model, since))
            usual = conduct_of_arm(rows, each.experiment, each.control or "", each.champion, usual_failures)
        yield from breaches(limits, its, usual)

    def _failures(self, model: str, since: datetime) -> int:
        return self.activity.failures(model, since.timestamp(), self.clock.now().timestamp())

    def _pause(self, found: Findings) -> Findings:
        """Pauses what broke a rule, unless somebody did so meanwhile."""
        broken = {each: why for each, why in found.items() if why}
        if not broken:
            return {}
        with turn(self.engine, self.registry, self.clock) as mine:
            config = mine.config()
            still = {each: why for each, why in broken.items() if each in challenges(config)}
            if not still:
                return {}
            reason = " ".join(_said(breach) for why in still.values() for breach in why)
            revision = mine.apply(_without(config, still), AUTHOR, reason)
            self._tell(mine.connection, config, revision, still)
        self.announce()
        return still

    def _tell(self, connection: Connection, config: LiveConfig, revision: int, still: Findings) -> None:
        now = self.clock.now()
        for each, why in still.items():
            sentences = " ".join(map(_said, why))
            audit.note(connection, now, AUTHOR, ACTION, each.experiment or each.model, model=each.model, why=sentences)
        if config.alert_recipients:
            told = enumerate(still.items())
            mails = [_mail(f"guardrail-{revision}-{n}", config, now, each, why) for n, (each, why) in told]
            notifications.add_many(connection, mails)


def _in_force(connection: Connection, registry: ModelRegistry) -> Reading[Serving] | None:
    try:
        return in_force(connection, registry)
    except ConfigRefused:
        return None  # as before the first training: nothing answers, so there is nothing to watch


def _since(reading: Reading[Serving], now: datetime) -> datetime:
    """What a model did before the last change of who answers counts no more: a resumed challenger begins anew."""
    refused = {row.id for row in reading.refused}
    changed = [row.inserted_at for row in reading.rows if row.key in ASSIGNING and row.id not in refused]
    hours = reading.built.config.guardrails.hours
    return max([now - timedelta(hours=hours), *changed])


def _without(config: LiveConfig, broken: Findings) -> dict[str, Any]:
    """A shadow that is no good is none as an arm either; one that does harm as an arm may go on in silence."""
    shadows = {each.model for each in broken if each.experiment is None}
    paused = {
        each.experiment for each in challenges(config) if each.experiment if each in broken or each.model in shadows
    }
    values: dict[str, Any] = {}
    if paused:
        values["paused"] = [*config.paused, *sorted(paused)]
    if shadows:
        values["shadow"] = [name for name in config.shadow if config.resolve(name) not in shadows]
    return values


def _said(breach: Breach) -> str:
    """In the mail, in the audit log and on the page of the experiment."""
    return f"{breach.sentence}.{MATURED if breach.rule == BRIER else ''}"


def _mail(message_id: str, config: LiveConfig, at: datetime, each: Challenge, why: Sequence[Breach]) -> Notification:
    message = {
        "kind": GUARDRAIL,
        "challenger": each.model,
        "experiment": each.experiment,
        "at": at.isoformat(),
        "sentences": [_said(breach) for breach in why],
        "breaches": [asdict(breach) for breach in why],
    }
    return Notification(message_id, None, list(config.alert_recipients), message, created_at=at)
