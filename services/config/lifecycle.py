"""The way of every change to the configuration: draft, rehearse, try out on staging, approve, promote; or revert."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Engine

from data import config_change_store
from data.config_change_store import ABANDONED, APPROVED, DRAFT, OPEN, REHEARSED, Change
from helpers.clock import Clock
from helpers.errors import UserError
from modeling.registry import ModelRegistry
from services import audit
from services.config.candidate import Candidate, Difference, judge
from services.config.changes import Turn, turn
from services.config.current import Current, current
from services.config.golden import Golden, golden
from services.config.history import History, Revision
from services.config.promoting import Moved, before, may_skip_approval, promote, subject
from services.config.rehearsal import rehearse
from services.prose import check_length

TRIES = 10


class UnknownChange(UserError):
    """There is no change of that number."""


class NothingChanges(UserError):
    """All of the values are in force already."""


class RehearsalFailed(UserError):
    """The change stays a draft; its reports say why."""

    def __init__(self, change: Change) -> None:
        super().__init__(f"change {change.id} stays a draft: {_why(change)}", "values")
        self.change = change


class Staging(Protocol):
    """Another deployment, on which a change is tried out first."""

    def try_out(self, candidate: Candidate, reason: str, customers: Sequence[Golden]) -> dict[str, Any]:
        """Applies the changes there, asks for the customers and gives a report, as JSON: `passed`, a boolean, `error`
        in words when it is false, and whatever else there is to tell. Never raises."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change would do: `report` is that of its rehearsal, of which nothing was written."""

    candidate: Candidate
    report: dict[str, Any]
    customers: Sequence[Golden]


class Lifecycle:
    """Every act raises UserError, or a kind of it: UnknownChange, NothingChanges, Moved, RehearsalFailed, and
    ConfigRefused, whose `problems` say by key what is wrong. `announce` tells the fleet of what was promoted."""

    def __init__(
        self,
        engine: Engine,
        registry: ModelRegistry,
        clock: Clock,
        announce: Callable[[], object],
        staging: Staging | None = None,
    ) -> None:
        self._engine = engine
        self._registry = registry
        self._clock = clock
        self._announce = announce
        self._staging = staging
        self._history = History(engine, registry)

    def preview(self, values: Mapping[str, Any]) -> Preview:
        """What the values, JSON or text, would change. Nothing is written."""
        with self._engine.connect() as connection:
            found = _changing(judge(connection, self._registry, values))
            customers = golden(connection, found.after)
        return Preview(found, rehearse(found, customers), customers)

    def draft(self, values: Mapping[str, Any], author: str, reason: str) -> Change:
        """A new change, valid as a whole; keys whose value is in force already are left out."""
        _check_reason(reason)
        with self._engine.connect() as connection:
            found = _changing(judge(connection, self._registry, values))
        with self._turn() as mine:
            return _drafted(mine, found, author, reason)

    def edit(self, change_id: int, values: Mapping[str, Any], reason: str, author: str) -> Change:
        """Other values for an open change, which is a draft again, and now this author's: no revert any more."""
        _check_reason(reason)
        with self._engine.connect() as connection:
            found = _changing(judge(connection, self._registry, values))
        with self._turn() as mine:
            _open(mine, change_id)
            afresh = {"changes": found.changes, "base_revision": found.base, "reason": reason, "author": author}
            change = config_change_store.put(mine.connection, change_id, **afresh, reverts_to=None, **_UNREHEARSED)
            _note(mine, change, author, "config_edited", keys=", ".join(sorted(found.changes)), reason=reason)
            return change

    def rehearse(self, change_id: int, actor: str) -> Change:
        """The change with its reports: rehearsed, or a draft still when there was any error. An approval is void. A
        revert brings back what others changed since it was drafted, too."""
        wanted = self.get(change_id)
        _refuse_closed(wanted)
        seen = self.preview(self._values_of(wanted))
        staging = self._tried_out(seen, wanted.reason)
        with self._turn() as mine:
            change = _open(mine, change_id)
            if (change.changes, change.reverts_to) != (wanted.changes, wanted.reverts_to):
                raise Moved(f"change {change_id} was edited during its rehearsal: rehearse it again", "change")
            return _rehearsed(mine, change, seen, staging, actor)

    def approve(self, change_id: int, actor: str, seen: str | None = None) -> Change:
        """`seen` is the fingerprint of the change as the actor was shown it; None where nothing was shown."""
        with self._turn() as mine:
            change = _as_seen(_open(mine, change_id), seen)
            if change.state == DRAFT:
                raise UserError(f"change {change_id} was not rehearsed: rehearse it first", "change")
            if before(mine).two_person_rule and actor == change.author:
                raise UserError("two_person_rule is on: somebody else must approve this change", "change")
            _note(mine, change, actor, "config_approved", author=change.author, reason=change.reason)
            facts = {"state": APPROVED, "approved_by": actor, "approved_at": self._clock.now()}
            return config_change_store.put(mine.connection, change_id, **facts)

    def promote(self, change_id: int, actor: str, seen: str | None = None) -> int:
        """Puts a rehearsed change into force and gives its revision; `seen` is as for `approve`."""
        with self._turn() as mine:
            change = _as_seen(_open(mine, change_id), seen)
            self._refuse_untried(change)
            revision = promote(mine, change, actor).revision
        self._announce()
        return revision or 0

    def abandon(self, change_id: int, actor: str) -> Change:
        with self._turn() as mine:
            change = _open(mine, change_id)
            _note(mine, change, actor, "config_abandoned", reason=change.reason)
            return config_change_store.put(mine.connection, change_id, state=ABANDONED, ended_at=self._clock.now())

    def set_now(self, values: Mapping[str, Any], author: str, reason: str) -> Change:
        """Draft, rehearsal and promotion in one go. Gives the change, promoted, or rehearsed where somebody else must
        approve it. Raises RehearsalFailed for one that stays a draft."""
        return self._set_now(values, author, reason, None)

    def revert(self, to_revision: int, actor: str, reason: str) -> Change:
        """A change, on the same way as any other, that brings back all values as they were at that revision."""
        return self._set_now(self._history.values_at(to_revision), actor, reason, to_revision)

    def get(self, change_id: int) -> Change:
        with self._engine.connect() as connection:
            return _known(config_change_store.find(connection, change_id), change_id)

    def open_changes(self) -> list[Change]:
        """Those that may still be promoted, the newest first."""
        with self._engine.connect() as connection:
            return config_change_store.in_states(connection, OPEN)

    def listing(self, limit: int) -> list[Change]:
        with self._engine.connect() as connection:
            return config_change_store.newest(connection, limit)

    def current(self) -> Current:
        """What is in force, and which of it nobody set."""
        with self._engine.connect() as connection:
            return current(connection, self._registry)

    def history(self, limit: int) -> list[Revision]:
        """The newest revisions of the table, whoever wrote them, the newest first."""
        return self._history.revisions(limit)

    def diff(self, a: int, b: int | None = None) -> list[Difference]:
        """What was in force at revision b, or is now, and was not at a."""
        return self._history.difference(a, b)

    def _values_of(self, change: Change) -> Mapping[str, str]:
        return change.changes if change.reverts_to is None else self._history.values_at(change.reverts_to)

    def _set_now(self, values: Mapping[str, Any], author: str, reason: str, reverts_to: int | None) -> Change:
        _check_reason(reason)
        seen = self.preview(values)
        staging = self._tried_out(seen, reason)
        for _ in range(TRIES):
            try:
                with self._turn() as mine:
                    change = self._at_once(mine, values, seen, staging, author, reason, reverts_to)
            except Moved:
                continue
            return self._told(change)
        raise Moved("others keep changing the configuration: try again", "values")

    def _at_once(
        self,
        mine: Turn,
        values: Mapping[str, Any],
        seen: Preview,
        staging: dict[str, Any] | None,
        author: str,
        reason: str,
        reverts_to: int | None,
    ) -> Change:
        """In one transaction: nobody else's change comes between the rehearsal and the promotion."""
        found = _changing(judge(mine.connection, self._registry, values))
        if found.base != seen.candidate.base:
            seen = Preview(found, rehearse(found, seen.customers), seen.customers)
        change = _drafted(mine, found, author, reason, reverts_to)
        change = _rehearsed(mine, change, seen, staging, author)
        if change.state == DRAFT or not may_skip_approval(change, before(mine)):
            return change
        return promote(mine, change, author)

    def _told(self, change: Change) -> Change:
        if change.state == DRAFT:
            raise RehearsalFailed(change)
        if not change.open:
            self._announce()
        return change

    def _tried_out(self, seen: Preview, reason: str) -> dict[str, Any] | None:
        """What does not pass the rehearsal does not come as far as staging."""
        if self._staging is None or seen.report["errors"]:
            return None
        return self._staging.try_out(seen.candidate, reason, seen.customers)

    def _refuse_untried(self, change: Change) -> None:
        if self._staging is not None and not (change.staging or {}).get("passed") and change.state != DRAFT:
            raise UserError(f"change {change.id} was not tried out on staging: rehearse it again", "change")

    def _turn(self) -> AbstractContextManager[Turn]:
        return turn(self._engine, self._registry, self._clock)


def _drafted(mine: Turn, found: Candidate, author: str, reason: str, reverts_to: int | None = None) -> Change:
    now = mine.clock.now()
    change = config_change_store.add(mine.connection, now, author, reason, found.changes, found.base, reverts_to)
    _note(mine, change, author, "config_drafted", keys=", ".join(sorted(found.changes)), reason=reason)
    return change


def _rehearsed(mine: Turn, change: Change, seen: Preview, staging: dict[str, Any] | None, actor: str) -> Change:
    good = not seen.report["errors"] and (staging is None or staging["passed"])
    facts = {**_UNREHEARSED, "state": REHEARSED if good else DRAFT, "rehearsal": seen.report, "staging": staging}
    facts["changes"] = change.changes if change.reverts_to is None else seen.candidate.changes
    change = config_change_store.put(mine.connection, change.id, **facts, base_revision=seen.candidate.base)
    outcome = {"passed": "yes"} if good else {"passed": "no", "error": _why(change)}
    _note(mine, change, actor, "config_rehearsed", **outcome, reason=change.reason)
    return change


def _changing(found: Candidate) -> Candidate:
    if not found.changes:
        raise NothingChanges("nothing would change: these values are in force already", "values")
    return found


def _open(mine: Turn, change_id: int) -> Change:
    change = _known(config_change_store.find(mine.connection, change_id), change_id)
    _refuse_closed(change)
    return change


def _as_seen(change: Change, seen: str | None) -> Change:
    if seen is not None and seen != change.fingerprint:
        raise UserError(f"change {change.id} was edited since you looked: look again", "change")
    return change


def _known(change: Change | None, change_id: int) -> Change:
    if change is None:
        raise UnknownChange(f"there is no change {change_id}; see `./run.sh config history`", "change")
    return change


def _refuse_closed(change: Change) -> None:
    if not change.open:
        raise UserError(f"change {change.id} is {change.state}: draft another", "change")


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise UserError("say why: the reason is kept with the change", "reason")
    check_length(reason, "reason")


def _why(change: Change) -> str:
    errors = (change.rehearsal or {}).get("errors", [])
    if not errors:
        return f"staging: {(change.staging or {}).get('error')}"
    first = errors[0]
    whose = f"client {first['client_id']}: " if first["client_id"] else ""
    return f"{len(errors)} errors in its rehearsal; the first: {whose}{first['error']}"


def _note(mine: Turn, change: Change, actor: str, action: str, **details: str) -> None:
    audit.note(mine.connection, mine.clock.now(), actor, action, subject(change), **details)


_UNREHEARSED: dict[str, Any] = {
    "state": DRAFT,
    "rehearsal": None,
    "staging": None,
    "approved_by": None,
    "approved_at": None,
}
