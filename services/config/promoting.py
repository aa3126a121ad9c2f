"""The last step of a change's way: into the table, all at once and in turn."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from data import config_change_store, config_store
from data.config_change_store import APPROVED, DRAFT, KEPT, PROMOTED, REHEARSED, REVERTED, Change
from helpers.errors import UserError
from services import audit
from services.config.changes import Turn
from services.config.model import ConfigRefused, LiveConfig
from services.config.present import config_in_force


class Moved(UserError):
    """Somebody else changed the configuration since the rehearsal."""


def subject(change: Change) -> str:
    """Of a change in the audit log."""
    return f"config change {change.id}"


def before(mine: Turn) -> LiveConfig:
    """The rules that a change goes by are those before it: none can do away with its own second person or watch."""
    try:
        return config_in_force(mine.connection, mine.registry)
    except ConfigRefused:
        return LiveConfig()


def refuse_alone(config: LiveConfig) -> None:
    """Raises ConfigRefused where one person may not decide alone which models clients meet."""
    if config.two_person_rule:
        text = "it is on; make this change on the Config page, where a second person approves it"
        raise ConfigRefused({"two_person_rule": text})


def promote(mine: Turn, change: Change, actor: str) -> Change:
    """Appends the change's rows. Raises UserError while something is missing, Moved when the rehearsal was of another
    configuration, and ConfigRefused; the transaction must then be rolled back."""
    rules = before(mine)
    _check(change, rules)
    if config_store.latest_revision(mine.connection) != change.base_revision:
        raise _moved(change)
    revision = mine.apply(change.changes, change.author, change.reason)
    _recheck(mine, _references(mine.config()) - _references(rules))
    if config_store.overtaken(mine.connection, change.base_revision, revision):
        raise _moved(change)
    _mark_reverted(mine, change)
    _note(mine, change, actor, revision)
    now = mine.clock.now()
    watch = {"state": PROMOTED, "watched_until": now + timedelta(minutes=rules.watch_minutes)}
    kept = {"state": KEPT, "ended_at": now, "outcome": "not watched: watch_minutes was 0"}
    facts = {"promoted_by": actor, "promoted_at": now, "revision": revision}
    return config_change_store.put(mine.connection, change.id, **facts, **(watch if rules.watch_minutes else kept))


def may_skip_approval(change: Change, rules: LiveConfig) -> bool:
    return not rules.two_person_rule or change.approved_by not in (None, change.author)


def _check(change: Change, rules: LiveConfig) -> None:
    if change.state == DRAFT:
        raise UserError(f"change {change.id} was not rehearsed, or its rehearsal failed: rehearse it first", "change")
    if change.state not in (REHEARSED, APPROVED):
        raise UserError(f"change {change.id} is {change.state}: draft another", "change")
    if not may_skip_approval(change, rules):
        text = f"change {change.id} waits for approval by somebody else than {change.author}: two_person_rule is on"
        raise UserError(text, "change")


def _references(config: LiveConfig) -> set[str]:
    return {config.aliases.get(name, name) for name in config.served_names()}


def _recheck(mine: Turn, entering: set[str]) -> None:
    """This process may hold a model whose folder is gone by now, which no other could load."""
    for ref in sorted(entering):
        mine.registry.recheck(ref)


def _moved(change: Change) -> Moved:
    text = f"the configuration was changed after the rehearsal of change {change.id}: rehearse it again"
    return Moved(text, "change")


def _mark_reverted(mine: Turn, change: Change) -> None:
    if change.reverts_to is None:
        return
    outcome = f"revision {change.reverts_to} was brought back by change {change.id}"
    for gone in config_change_store.after_revision(mine.connection, change.reverts_to):
        facts = {"state": REVERTED, "ended_at": mine.clock.now(), "outcome": outcome}
        config_change_store.put(mine.connection, gone.id, **facts)


def _note(mine: Turn, change: Change, actor: str, revision: int) -> None:
    details = {
        "revision": str(revision),
        "author": change.author,
        "approved_by": change.approved_by or "nobody",
        "reason": change.reason,
        "changes": _words((change.rehearsal or {}).get("changes", [])),
    }
    audit.note(mine.connection, mine.clock.now(), actor, "config_promoted", subject(change), **details)


def _words(difference: Sequence[dict[str, Any]]) -> str:
    return "; ".join(f"{each['key']}: {each['old']} → {each['new']}" for each in difference)
