"""The way of a change as the steps that a person sees, and which of them is next."""

from dataclasses import dataclass
from typing import Literal

from data.config_change_store import APPROVED, DRAFT, KEPT, PROMOTED, REHEARSED, REVERTED, Change

StepState = Literal["done", "here", "failed", "later"]
Next = Literal["rehearse", "approve", "promote", ""]


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    state: StepState

    @property
    def words(self) -> str:
        """For who cannot see its sign."""
        return {"done": "done", "here": "now", "failed": "failed", "later": "to come"}[self.state]


@dataclass(frozen=True, slots=True)
class Rules:
    """What the way of a change depends on besides the change: whether there is a staging deployment, whether two
    people are needed, and the newest revision."""

    staging: bool
    two_people: bool
    revision: int


def steps(change: Change, rules: Rules) -> list[Step]:
    """All steps that this change takes here, in their order."""
    names = ["Edit", "Check", "Rehearse"]
    names += ["Try on staging"] if rules.staging or change.staging else []
    names += ["Approve"] if rules.two_people or change.approved_by else []
    names += ["Promote", "Watch"]
    place = _place(change, rules, names)
    return [Step(name, _state(number, place, change)) for number, name in enumerate(names)]


def next_of(change: Change, rules: Rules) -> Next:
    """The one thing that can be done to the change now."""
    if not change.open:
        return ""
    if change.state == DRAFT or moved(change, rules):
        return "rehearse"
    return "approve" if _waits(change, rules) else "promote"


def moved(change: Change, rules: Rules) -> bool:
    """Whether the configuration was changed by somebody else since the rehearsal."""
    return change.state in (REHEARSED, APPROVED) and change.base_revision != rules.revision


def _waits(change: Change, rules: Rules) -> bool:
    return rules.two_people and change.approved_by in (None, change.author)


def _place(change: Change, rules: Rules, names: list[str]) -> int:
    """The number of the step that the change has come to; past the last one when it is through."""
    if change.state == DRAFT and _failed_on_staging(change):
        return names.index("Try on staging")
    if change.state == PROMOTED:
        return names.index("Watch")
    if change.state in (KEPT, REVERTED):
        return len(names)
    wanted = next_of(change, rules)
    return names.index(wanted.capitalize()) if wanted else names.index("Promote")


def _state(number: int, place: int, change: Change) -> StepState:
    if number < place:
        return "done"
    if number > place or not (change.open or change.state == PROMOTED):
        return "later"
    return "failed" if change.state == DRAFT and change.rehearsal else "here"


def _failed_on_staging(change: Change) -> bool:
    return change.staging is not None and not change.staging.get("passed")
