"""What the page of one change shows: what it changes, what its rehearsal found, and what comes next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from data.config_change_store import ABANDONED, APPROVED, DRAFT, KEPT, PROMOTED, REHEARSED, REVERTED, Change
from endpoints.client_links import client_address
from endpoints.config_steps import Next, Rules, Step, moved, next_of, steps
from endpoints.config_words import title, words_of_text
from endpoints.entered import sentence
from endpoints.experiments_wording import arm_name, plural
from endpoints.wording import label, percent
from services.config.golden import TYPICAL
from services.score_spread import Spread
from services.sign_in import SignedIn

STATES = {
    DRAFT: "Draft",
    REHEARSED: "Rehearsed",
    APPROVED: "Approved",
    PROMOTED: "In force, watched",
    KEPT: "In force, kept",
    REVERTED: "Taken back",
    ABANDONED: "Abandoned",
}
_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Changed:
    """One key, from one value to another, in words."""

    key: str
    title: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Example:
    """A customer who is answered differently: arm, probability and flag, before and after. `address` is empty for the
    typical customer of the schema."""

    client_id: str
    address: str
    arm: tuple[str, str]
    chance: tuple[str, str]
    high: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Report:
    """A rehearsal in words. `errors` stop the change."""

    figures: Sequence[tuple[str, str, str]]
    sentence: str
    errors: Sequence[tuple[str, str]]
    examples: Sequence[Example]
    changed: int


@dataclass(frozen=True, slots=True)
class ChangeView:
    """The whole page. `effect` is told of a change to the cutoff, `waits_for` of one that needs a second person,
    `watch` of one that is in force; `revert_to` is the revision before it."""

    change: Change
    state: str
    steps: Sequence[Step]
    changed: Sequence[Changed]
    effect: str
    report: Report | None
    staging: Sequence[tuple[str, str]]
    next: Next
    moved: bool
    own: bool
    watch: str
    outcome: str
    revert_to: int | None
    later: bool
    problem: str
    now: datetime


def change_view(
    change: Change, rules: Rules, old: Mapping[str, str], spread: Spread, person: SignedIn, now: datetime, problem: str
) -> ChangeView:
    """`old` are the texts in force."""
    return ChangeView(
        change=change,
        state=STATES.get(change.state, change.state),
        steps=steps(change, rules),
        changed=changes_in_words(_difference(change, old)),
        effect=_effect(change, old, spread) if change.open else "",
        report=_report(change.rehearsal) if change.rehearsal else None,
        staging=_facts(change.staging or {}),
        next=next_of(change, rules),
        moved=moved(change, rules),
        own=change.author == person.username,
        watch=_watch(change, now),
        outcome=sentence(change.outcome) if change.outcome else "",
        revert_to=change.base_revision if change.state in (PROMOTED, KEPT) and change.base_revision else None,
        later=bool(change.revision and rules.revision > change.revision),
        problem=sentence(problem) if problem else "",
        now=now,
    )


def changes_in_words(difference: Sequence[tuple[str, str | None, str]]) -> list[Changed]:
    """Of key, old and new text; as the table has them where the words would be the same."""
    return [_changed(*each) for each in difference]


def _changed(key: str, old: str | None, new: str) -> Changed:
    said = words_of_text(key, old), words_of_text(key, new)
    if old is not None and old != new and said[0] == said[1]:
        said = old, new
    return Changed(key, title(key), *said)


def _difference(change: Change, old: Mapping[str, str]) -> list[tuple[str, str | None, str]]:
    """As it was rehearsed; before that, and where it is to be rehearsed again, against what is in force."""
    told = (change.rehearsal or {}).get("changes", [])
    if told and change.state != DRAFT:
        return [(each["key"], each["old"], each["new"]) for each in told]
    return [(key, old.get(key), text) for key, text in sorted(change.changes.items())]


def _effect(change: Change, old: Mapping[str, str], spread: Spread) -> str:
    text = change.changes.get("proba_cutoff")
    if text is None or not spread.clients:
        return ""
    after, before = spread.at_least(float(text)), spread.at_least(float(old["proba_cutoff"]))
    return (
        f"{plural(after, 'client')} of {spread.clients:,} would be at high risk by their newest score; now {before:,}."
    )


def _report(found: Mapping[str, Any]) -> Report:
    examples = [_example(each) for each in found["examples"]]
    return Report(_figures(found), _sentence(found), _errors(found), examples, found["answers_changed"])


def _figures(found: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Label, figure, and what it is of."""
    return [
        ("Answers that change", f"{found['answers_changed']:,}", f"of {found['customers']:,}"),
        ("Customers who change arms", f"{found['arms_changed']:,}", f"of {found['customers']:,}"),
        ("At high risk", f"{found['high_risk_before']:,} → {found['high_risk_after']:,}", ""),
        ("Largest move of a probability", percent(found["largest_move"]), "points" if found["largest_move"] else ""),
    ]


def _sentence(found: Mapping[str, Any]) -> str:
    asked = f"{plural(found['customers'], 'customer')} of the table were asked for under the old and the new values"
    if found["errors"]:
        return f"{asked}, and {plural(len(found['errors']), 'thing')} went wrong."
    if not found["answers_changed"]:
        return f"{asked}: nobody’s answer changes."
    became = [
        (found["became_high"], "become high risk", "becomes high risk"),
        (found["became_low"], "are high risk no longer", "is high risk no longer"),
    ]
    said = [f"{number:,} {one if number == 1 else many}" for number, many, one in became if number]
    return f"{asked}: {' and '.join(said) or 'nobody becomes high risk, and nobody ceases to be'}."


def _errors(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Whose, and what; of the same words only the first few."""
    return [(each["client_id"] or "", sentence(each["error"])) for each in found["errors"][:20]]


def _example(found: Mapping[str, Any]) -> Example:
    old, new, client_id = found["before"] or {}, found["after"], found["client_id"]
    address = "" if client_id == TYPICAL else client_address(client_id)
    return Example(
        client_id,
        address,
        (_arm(old), _arm(new)),
        (_chance(old), _chance(new)),
        (old.get("high_risk") or "–", new.get("high_risk") or "–"),
    )


def _arm(answer: Mapping[str, Any]) -> str:
    return arm_name(answer["arm"]) if answer.get("arm") else "–"


def _chance(answer: Mapping[str, Any]) -> str:
    return percent(answer["prediction"]) if answer.get("prediction") is not None else "–"


def _facts(staging: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Whatever staging has to tell beside whether it passed."""
    plain = {name: value for name, value in staging.items() if name not in ("passed", "error")}
    return [(label(name), _fact(value)) for name, value in plain.items() if isinstance(value, str | int | float)]


def _fact(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,.6g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def _watch(change: Change, now: datetime) -> str:
    if change.state != PROMOTED or change.watched_until is None:
        return ""
    left = (change.watched_until - now).total_seconds()
    if left <= 0:
        return "The watch is over; its verdict comes within a minute or two."
    return (
        f"Watched for {plural(int(left // _MINUTE) + 1, 'more minute')}: broken guardrails take it back by themselves."
    )
