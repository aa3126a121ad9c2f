"""What a client's story is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from data.action_store import Action
from data.outcome_store import Outcome
from data.prediction_log import LedgerRow
from data.suggestion_store import Suggestion
from services.row_reasons import Reasons

Standing = Literal["held", "unscored", "churned", "resting", "callable"]


@dataclass(frozen=True, slots=True)
class Change:
    """An input that differs between the two newest answers; None for what was not given."""

    feature: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Stay:
    """Answers in a row, `first` to `last`, in one arm of one experiment; without one while nothing was compared."""

    experiment: str | None
    arm: str
    first: datetime
    last: datetime
    answers: int


@dataclass(frozen=True, slots=True)
class Report:
    """An outcome as it was told. One of them `counts`: the newest, and of those observed at one instant that it
    churned."""

    outcome: Outcome
    counts: bool


@dataclass(frozen=True, slots=True)
class Story:
    """`rows` are the newest answers, newest first; those of a client who is `held` out have no score here, whatever
    was answered before. `rests_until` is when a client who was contacted may be on the call list again."""

    client_id: str
    as_of: datetime
    rows: Sequence[LedgerRow]
    held: bool
    customer: bool
    reasons: Reasons
    suggestion: Suggestion
    changes: Sequence[Change]
    stays: Sequence[Stay]
    actions: Sequence[Action]
    reports: Sequence[Report]
    rests_until: datetime | None

    @property
    def churned(self) -> bool:
        return any(report.counts and report.outcome.churned for report in self.reports)

    @property
    def standing(self) -> Standing:
        """Whether the client may be on the call list, or what speaks against it."""
        if self.held:
            return "held"
        if not self.rows:
            return "unscored"
        if self.churned:
            return "churned"
        return "resting" if self.rests_until else "callable"

    @property
    def known(self) -> bool:
        """Whether anything at all is known of a client of this id."""
        return bool(self.rows or self.customer or self.actions or self.reports)
