"""What an experiment's clients are counted by.

A client counts as what one report says, which `readout_clients` finds. Of the reports observed from the beginning of
the UTC day of the client's first answer until `maturity_days` after that answer, the newest decides; of two observed at
one instant, the one that says that the client left. So the order in which reports arrive never matters.

A client has matured once the window is closed: without a report it stayed. A report that comes earlier counts at once,
unless leavers alone are told early: see `early_outcomes`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

EarlyOutcomes = Literal["counted", "waiting", "none"]
RETAINED_AMONG_EARLY = 0.2
TOLD_AMONG_RETAINED = 0.9


@dataclass(frozen=True, slots=True)
class Served:
    """The clients of an arm that one model served."""

    arm: str
    model: str


@dataclass(frozen=True, slots=True)
class Question:
    """Which experiment is read, and when. `served` are the parts its clients fall into."""

    experiment: str
    now: datetime
    maturity_days: int
    served: Sequence[Served]

    @property
    def closed_until(self) -> datetime:
        """The window of whoever had the first answer by then is closed."""
        return self.now - timedelta(days=self.maturity_days)


@dataclass(frozen=True, slots=True)
class Part:
    """Clients who came on one day (UTC, days since 1970-01-01) and of whom the same is known: whether the window is
    `closed`, and what the report says that decides, None without one. `valued` of them have a lifetime value; these
    sum to `value`, their squares to `squares`."""

    served: Served
    day: int
    closed: bool
    churned: bool | None
    clients: int
    valued: int
    value: float
    squares: float

    def matured(self, early: EarlyOutcomes) -> bool:
        return self.closed or (self.churned is not None and early == "counted")


@dataclass(frozen=True, slots=True)
class Bin:
    """Clients whose scores are all but equal: those whose window is closed, and those told of before."""

    served: Served
    score: float
    closed: int
    closed_churned: int
    early: int
    early_churned: int

    def matured(self, early: EarlyOutcomes) -> tuple[int, int]:
        """The matured clients, and how many of them left."""
        counted = early == "counted"
        return self.closed + counted * self.early, self.closed_churned + counted * self.early_churned


def early_outcomes(found: Sequence[Part]) -> EarlyOutcomes:
    """Whether reports that come before their window closes count.

    Where leavers alone are told early, all who are known early have left, and every rate would be too high. So early
    reports wait for their windows unless a fifth of them, over all arms, tell of clients who stayed; and, as soon as
    any window has closed, unless nearly all who stayed were reported, as all known leavers were.
    """
    known = _clients(found, closed=False, churned=(False, True))
    if not known:
        return "none"
    retained = _clients(found, closed=False, churned=(False,))
    told, untold = (_clients(found, closed=True, churned=(each,)) for each in (False, None))
    fair = retained >= RETAINED_AMONG_EARLY * known and told >= TOLD_AMONG_RETAINED * (told + untold)
    return "counted" if fair else "waiting"


def _clients(found: Sequence[Part], *, closed: bool, churned: tuple[bool | None, ...]) -> int:
    return sum(part.clients for part in found if part.closed == closed and part.churned in churned)
