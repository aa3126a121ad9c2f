"""Watches promoted changes for a while, and takes back by itself those after which guardrails break."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine

from data import config_change_store, notifications
from data.client_activity import ClientActivity
from data.config_change_store import KEPT, PROMOTED, REVERTED, Change
from data.guardrail_store import MOST_ROWS, recent_answers
from data.notifications import Notification
from experiments.guardrails import Breach, Conduct, breaches
from helpers.clock import Clock
from modeling.registry import ModelRegistry
from services import audit
from services.challengers import conduct
from services.config.changes import Turn, turn
from services.config.model import ConfigRefused, LiveConfig
from services.config.present import in_force
from services.config.promoting import before, subject
from services.config.watched import Watched, before_minute_of, limits, models, watch_of
from services.letters import WATCH

AUTHOR, TAKEN_BACK, STUCK = "watch", "config_reverted", "config_not_reverted"


@dataclass(frozen=True, slots=True)
class ConfigWatch:
    """Compares the answers since a change with those of as long before it. `announce` tells the fleet of a change."""

    engine: Engine
    registry: ModelRegistry
    activity: ClientActivity
    clock: Clock
    announce: Callable[[], object]

    def look(self) -> Mapping[int, Sequence[Breach]]:
        """Settles what is to be settled, and gives what broke, by change. Raises SQLAlchemyError or RedisError."""
        with self.engine.connect() as connection:
            promoted = config_change_store.in_states(connection, (PROMOTED,))
        found = {change.id: self._judge(change) for change in promoted if change.reverts_to is None}
        for change in promoted:
            if change.reverts_to is not None:
                self._keep(change, "kept: a revert is not watched, for it would be taken back to what people fled from")
        return {change_id: why for change_id, why in found.items() if why}

    def _judge(self, change: Change) -> Sequence[Breach]:
        with self.engine.connect() as connection:
            try:
                reading = in_force(connection, self.registry)
            except ConfigRefused:
                return ()  # nothing answers, so nothing can be told
            config, set_aside = reading.built.config, {row.id for row in reading.refused}
            watched = watch_of(connection, change, set_aside, self.clock.now())
            after, usual = self._conducts(connection, watched, models(config, watched))
        why = () if watched.too_late else breaches(limits(config, change), after, usual)
        if why:
            self._revert(change, set_aside, [_said(breach) for breach in why])
        elif watched.over:
            self._keep(change, _kept(watched, after.attempts))
        return why

    def _conducts(self, connection: Connection, watched: Watched, asked: set[str]) -> tuple[Conduct, Conduct]:
        """What was answered since the change, and before it. The minute in which it came is of both: failures of that
        minute count for neither."""
        since, until = watched.since, watched.until
        after = self._conduct(connection, asked, since, until, watched.failing_until)
        return after, self._conduct(connection, asked, watched.before, since, before_minute_of(since))

    def _conduct(
        self, connection: Connection, asked: set[str], since: datetime, until: datetime, failing_until: datetime
    ) -> Conduct:
        rows = recent_answers(connection, since, until=until)
        begin = rows[-1].answered_at if len(rows) == MOST_ROWS else since
        span = begin.timestamp(), failing_until.timestamp()
        failures = sum(self.activity.failures(model, *span) for model in asked)
        return conduct("all models", rows, len(rows) + failures, failures)

    def _revert(self, change: Change, set_aside: set[int], sentences: Sequence[str]) -> None:
        try:
            with turn(self.engine, self.registry, self.clock) as mine:
                if not _still(mine, change):
                    return
                values = watch_of(mine.connection, change, set_aside, self.clock.now()).untouched
                _take_back(mine, change, values, sentences)
        except ConfigRefused as error:
            self._give_up(change, sentences, str(error))
        else:
            self.announce()

    def _give_up(self, change: Change, sentences: Sequence[str], hindrance: str) -> None:
        """What cannot be taken back stays, and people are told once."""
        said = " ".join(sentences)
        with turn(self.engine, self.registry, self.clock) as mine:
            if _still(mine, change):
                _put(mine, change, KEPT, f"could not be taken back ({hindrance}): {said}")
                _note(mine, change, STUCK, reason=said, error=hindrance)
                _tell(mine, [before(mine)], change, sentences, taken_back=False, hindrance=hindrance)

    def _keep(self, change: Change, outcome: str) -> None:
        with turn(self.engine, self.registry, self.clock) as mine:
            if _still(mine, change):
                _put(mine, change, KEPT, outcome)


def _take_back(mine: Turn, change: Change, values: Mapping[str, str], sentences: Sequence[str]) -> None:
    """Raises ConfigRefused when there is nothing to take back, or when it can be in force no more."""
    if not values:
        raise ConfigRefused(
            dict.fromkeys(
                change.changes, "was changed again since, had no value before, or is for people alone to change"
            )
        )
    said, config = " ".join(sentences), mine.config()
    revision = mine.apply(values, AUTHOR, f"change {change.id} (revision {change.revision}) taken back: {said}")
    left = sorted(set(change.changes) - set(values))
    more = f" Changed again since, or for people alone to change, and left as it is: {', '.join(left)}." if left else ""
    _put(mine, change, REVERTED, f"taken back by the watch, as revision {revision}: {said}{more}")
    lines = [f"{key}: {change.changes[key]} → {values[key]}" for key in sorted(values)]
    _note(mine, change, TAKEN_BACK, revision=str(revision), changes="; ".join(lines), reason=said)
    _tell(mine, [config, mine.config()], change, sentences, taken_back=True, revision=revision, lines=lines)


def _still(mine: Turn, change: Change) -> bool:
    """Whether nobody settled it meanwhile."""
    found = config_change_store.find(mine.connection, change.id)
    return found is not None and found.state == PROMOTED


def _put(mine: Turn, change: Change, state: str, outcome: str) -> None:
    config_change_store.put(mine.connection, change.id, state=state, ended_at=mine.clock.now(), outcome=outcome)


def _note(mine: Turn, change: Change, action: str, **details: str) -> None:
    audit.note(mine.connection, mine.clock.now(), AUTHOR, action, subject(change), author=change.author, **details)


def _kept(watched: Watched, attempts: int) -> str:
    if watched.too_late:
        return "kept: nobody watched it to its end, since no schedule process ran"
    if not watched.later:
        return f"kept: nothing broke in {attempts:,} answers"
    revision = watched.later[0].revision or watched.later[0].id
    return f"kept: nothing broke in {attempts:,} answers until the configuration was changed again, revision {revision}"


def _said(breach: Breach) -> str:
    return _SENTENCES[breach.rule].format(measured=breach.measured, limit=breach.limit)


_SENTENCES = {
    "errors": "{measured:.1%} more of the answers failed than before it; at most {limit:.1%} more are allowed.",
    "latency": "One answer in 20 takes {measured:.3g} times as long as before it; at most {limit:g} times is allowed.",
    "high_risk": "The share of clients at high risk moved by {measured:+.1%}; at most {limit:.1%} is allowed.",
    "score_shift": "Scores are distributed unlike those before it: a stability index of {measured:.2f}; at most"
    " {limit:g} is allowed.",
}


def _tell(
    mine: Turn,
    configs: Sequence[LiveConfig],
    change: Change,
    sentences: Sequence[str],
    **facts: Any,
) -> None:
    """Whoever was or is to be alerted: the change may have been of the recipients."""
    recipients = sorted({address for config in configs for address in config.alert_recipients})
    if not recipients:
        return
    now = mine.clock.now()
    told = {"change": change.id, "author": change.author, "reason": change.reason, "keys": sorted(change.changes)}
    message = {"kind": WATCH, "at": now.isoformat(), "sentences": list(sentences), **told, **facts}
    mail = Notification(f"watch-{change.id}", None, recipients, message, created_at=now)
    notifications.add_many(mine.connection, [mail])
