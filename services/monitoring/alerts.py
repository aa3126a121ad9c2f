"""What is wrong now, since when, and what to do about it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from data.monitoring_store import FAILED_DAYS, Backlog
from data.pulse_store import Beat
from services.monitoring.inputs import Inputs

SILENT = timedelta(seconds=45)
SPOOL_MAY_WAIT = timedelta(minutes=2)
MAIL_MAY_WAIT = timedelta(minutes=15)
DRIFTS_APART = 3
"""More than these at once have one cause, mostly a broken source, and are one alert."""
NEEDED_ROLES = {
    "worker": "Messages are not sent. Start it: ./run.sh worker.",
    "schedule": "Guardrails, the digest and forgotten messages wait. Start it: ./run.sh schedule.",
}
ADVICE = {
    "redis": "Look at the Redis server and the network to it. Answers go on meanwhile.",
    "database": "Look at the database server. Answers go on; the ledger is filled later.",
    "config": "Mend the rows named here on the Config page; the last good configuration stays in force.",
    "drift": "Look at the shares on the Monitoring page: a broken source, or other clients. If it stays, train again.",
    "outbox": "Bring the database and the archive back, or give the disk more room.",
}
TITLES = {
    "redis": "Redis does not answer",
    "database": "The database does not answer",
    "config": "Configuration rows are refused",
    "outbox": "Answers cannot be recorded",
}


@dataclass(frozen=True, slots=True)
class Alert:
    """`key` names it for good. `since` is None where only the noticing of it can be dated."""

    key: str
    title: str
    detail: str
    advice: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class State:
    """What alerts are told from. `beats` are None while Redis does not answer, `inputs` before the first look;
    `paused` maps paused experiments to when they were paused and why."""

    now: datetime
    beats: Sequence[Beat] | None
    backlogs: Sequence[Backlog]
    paused: Mapping[str, tuple[datetime, str]]
    inputs: Inputs | None


def alerts(state: State) -> list[Alert]:
    """Everything that is wrong, what is worst first."""
    rules = (_redis, _troubles, _silent, _spool, _failed, _late, _paused, _drift)
    return [alert for rule in rules for alert in rule(state)]


def alive(beat: Beat, now: datetime) -> bool:
    return now.timestamp() - beat.at <= SILENT.total_seconds()


def _redis(state: State) -> Iterator[Alert]:
    if state.beats is None:
        detail = "What other processes do cannot be shown, nor traffic."
        yield Alert("redis", TITLES["redis"], detail, ADVICE["redis"], None)


def _troubles(state: State) -> Iterator[Alert]:
    """One alert a trouble, however many processes have it: since the first of them."""
    found: dict[str, list[tuple[str, float]]] = {}
    for beat in state.beats or ():
        if alive(beat, state.now):
            for name, told in beat.troubles.items():
                found.setdefault(name, []).append(told)
    for name, everywhere in found.items():
        text, first = min(everywhere, key=lambda told: told[1])
        many = f" ({len(everywhere)} processes)" if len(everywhere) > 1 else ""
        yield Alert(name, TITLES.get(name, name), f"{text}{many}", ADVICE.get(name, "Look at the logs."), _at(first))


def _silent(state: State) -> Iterator[Alert]:
    """A process whose place another of its host has taken since is not missed."""
    if state.beats is None:
        return
    living = [beat for beat in state.beats if alive(beat, state.now)]
    for beat in state.beats:
        if not alive(beat, state.now) and not any(_replaces(other, beat) for other in living):
            title = f"The {beat.role} process {beat.name} is silent"
            advice = NEEDED_ROLES.get(beat.role, "Look at its logs; a supervisor should have started it again.")
            yield Alert(f"silent {beat.name}", title, "It did not end in order.", advice, _at(beat.at))
    for role, advice in NEEDED_ROLES.items():
        if not any(beat.role == role for beat in state.beats):
            yield Alert(f"no {role}", f"No {role} process runs", "None gave a sign of life.", advice, None)


def _replaces(other: Beat, beat: Beat) -> bool:
    return other.role == beat.role and other.host == beat.host and other.started_at > beat.started_at


def _spool(state: State) -> Iterator[Alert]:
    late = [each for each in state.beats or () if each.spool and each.spool_since and _old(state, each.spool_since)]
    if late:
        waiting, since = sum(each.spool or 0 for each in late), _at(min(each.spool_since or 0 for each in late))
        detail = f"{waiting:,} answers wait on disk for the ledger."
        advice = "Look at the database; nothing is lost. If it answers, look at the web logs for ledger errors."
        yield Alert("spool", "The spool is not emptied", detail, advice, since)


def _old(state: State, since: float) -> bool:
    return state.now.timestamp() - since > SPOOL_MAY_WAIT.total_seconds()


def _failed(state: State) -> Iterator[Alert]:
    for each in state.backlogs:
        if each.failed:
            detail = f"{each.failed:,} given up within {FAILED_DAYS} days."
            advice = (
                "Mend what the error says; ./run.sh webhooks list --failed shows webhooks, replay sends them again."
            )
            if each.channel == "mail":
                advice = "The logs say why (message_given_up): mostly an address that is refused, or the mail server."
            yield Alert(f"failed {each.channel}", _title(each, "were given up"), detail, advice, each.failed_since)


def _late(state: State) -> Iterator[Alert]:
    for each in state.backlogs:
        if each.oldest and state.now - each.oldest > MAIL_MAY_WAIT:
            detail = f"{each.waiting:,} wait."
            advice = "Look at the worker process, and at the server that the messages go to."
            yield Alert(f"late {each.channel}", _title(each, "are late"), detail, advice, each.oldest)


def _title(backlog: Backlog, what: str) -> str:
    return f"{'Mails' if backlog.channel == 'mail' else 'Webhooks'} {what}"


def _paused(state: State) -> Iterator[Alert]:
    for name, (at, why) in state.paused.items():
        advice = "Read why; resume or stop it on the Experiments page."
        yield Alert(f"paused {name}", f"The experiment {name} is paused", why, advice, at)


def _drift(state: State) -> Iterator[Alert]:
    shifts = [(each.binned.name, each.shift) for each in (state.inputs.drifted if state.inputs else ()) if each.shift]
    if len(shifts) > DRIFTS_APART:
        names = ", ".join(name for name, _ in shifts)
        title = f"{len(shifts)} columns have drifted from the training"
        yield Alert("drift", title, f"Stability indexes above 0.25: {names}.", ADVICE["drift"], None)
        return
    for name, shift in shifts:
        what = "The scores have" if name == "score" else f"{name} has"
        detail = f"Stability index {shift.index:.2f}; above 0.25 is a large shift."
        yield Alert(f"drift {name}", f"{what} drifted from the training", detail, ADVICE["drift"], None)


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
