"""A promoted change beside the time before it: which answers it answers for, and which rules it is held to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from data import config_store
from data.config_change_store import Change
from data.config_store import ConfigRow
from experiments.guardrails import Limits
from experiments.plan import CHAMPION
from helpers.errors import UserError
from services.config.model import LiveConfig, parse_config
from services.config.spelling import texts

MINUTE = timedelta(minutes=1)
LATE = timedelta(minutes=10)
WHO_ANSWERS = frozenset({"aliases", "experiment", "layers", "paused"})
SECOND_PERSON = "two_person_rule"
INTENDED = {"high_risk": WHO_ANSWERS | {"proba_cutoff"}, "score_shift": WHO_ANSWERS}
"""By rule the keys whose very purpose is to move what it measures: a change of one of them is not held to it."""


@dataclass(frozen=True, slots=True)
class Watched:
    """`later` are the first row of every key behind those of the change, the oldest first, without those set aside.

    The change answers for the time from `since` to `until`: the next row of whatever key, the end of its watch, or now.
    """

    change: Change
    later: Sequence[ConfigRow]
    since: datetime
    until: datetime
    now: datetime

    @property
    def over(self) -> bool:
        """Whether there is nothing to wait for. Answers before another change take a moment to reach the ledger."""
        followed = bool(self.later) and self.now >= self.until + MINUTE
        return followed or self.now >= _end(self.change)

    @property
    def too_late(self) -> bool:
        """Whether nobody looked for so long that taking it back would surprise people more than it helps."""
        return self.now > _end(self.change) + LATE

    @property
    def before(self) -> datetime:
        """As long before the change as it answers for."""
        return self.since - (self.until - self.since)

    @property
    def failing_until(self) -> datetime:
        """Failures are counted by the minute: one in which another change came is not this one's alone."""
        return before_minute_of(self.until) if self.later else self.until

    @property
    def untouched(self) -> dict[str, str]:
        """The values before it, of those keys that nobody changed since and that had one; never the rule of the second
        person, which no answer depends on and nobody may lift alone."""
        touched = {row.key for row in self.later} | {SECOND_PERSON}
        old = {each["key"]: each["old"] for each in (self.change.rehearsal or {}).get("changes", [])}
        return {key: text for key, text in old.items() if text is not None and key not in touched}


def watch_of(connection: Connection, change: Change, set_aside: set[int], now: datetime) -> Watched:
    """`set_aside` are the ids of rows that are not in force."""
    later = config_store.first_rows_after(connection, change.revision or 0, set_aside)
    since = change.promoted_at or change.created_at
    ends = [now, _end(change), *(row.inserted_at for row in later[:1])]
    return Watched(change, later, since, max(since, min(ends)), now)


def limits(config: LiveConfig, change: Change) -> Limits:
    """Those in force, without the rules that would hold the change to what it is meant to do."""
    left_out: dict[str, Any] = {rule: None for rule, keys in INTENDED.items() if keys & set(change.changes)}
    return replace(config.guardrails.limits, **left_out)


def models(config: LiveConfig, watched: Watched) -> set[str]:
    """Whom clients may meet now, or may have met before the change as far as can be told, as `name@version`."""
    try:
        earlier = _met(parse_config({**texts(config), **watched.untouched}))
    except UserError:
        earlier = set()
    return _met(config) | earlier


def before_minute_of(at: datetime) -> datetime:
    """The last second before the minute that it is in."""
    return at.replace(second=0, microsecond=0) - timedelta(seconds=1)


def _met(config: LiveConfig) -> set[str]:
    arms = {arm for experiment in config.experiments for arm in experiment.arms}
    return {config.resolve(name) for name in arms | {CHAMPION}}


def _end(change: Change) -> datetime:
    return change.watched_until or change.created_at
