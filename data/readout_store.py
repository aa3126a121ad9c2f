"""What became of each client of an experiment.

Here alone is written which outcome of a client counts. Of the reports observed from the beginning of the UTC day of the
client's first answer until `maturity_days` after that answer, the newest decides; of two observed at one instant, the
one that says that the client left. So the order in which reports arrive never matters.

A client has matured once the window is closed: without a report it stayed. A report that comes earlier counts at once,
unless leavers alone are told early: see `early_outcomes`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, FromClause, Integer, Subquery, and_, case, literal, select

from data.expressions import days_after, nearest, start_of_day
from data.tables import exposure_scores, exposures, outcomes

EarlyOutcomes = Literal["counted", "waiting", "none"]
RETAINED_AMONG_EARLY = 0.2
TOLD_AMONG_RETAINED = 0.9
FINE_BELOW = 0.1
_ALL = 2**62
"""A limit that no table reaches. It has the labelled exposures made before they are counted: merged into the counting,
each mention of the report would look it up once more."""


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


def labelled(
    question: Question,
    *columns: ColumnElement[Any],
    silent: Sequence[str] = (),
    only: Sequence[ColumnElement[bool]] = (),
) -> Subquery:
    """The one table that everything is counted from, a row a client: the part, whether the window is closed, the report
    that decides, and `columns`; for each silent model its score as `silent_0` and so on, NULL where it said nothing.
    With `only`, the clients alone of whose exposures all of it is true."""
    closed = exposures.c.first_at <= question.closed_until
    known = (_served(question.served), closed.label("closed"), _report(question.maturity_days))
    tables = [exposure_scores.alias(f"said_{place}") for place in range(len(silent))]
    said = [rounded(table.c.score, f"silent_{place}") for place, table in enumerate(tables)]
    joined: FromClause = exposures
    for table, model in zip(tables, silent, strict=True):
        joined = joined.outerjoin(table, _same_answer(table, model))
    wanted = select(*known, *columns, *said).select_from(joined)
    return wanted.where(exposures.c.experiment == question.experiment, *only).limit(_ALL).subquery("labelled")


def rounded(score: ColumnElement[Any], name: str) -> ColumnElement[int]:
    """In ten-thousandths: low scores to four decimals, others to three, or there would be a bin for every client."""
    return case((score < FINE_BELOW, nearest(score * 10_000)), else_=10 * nearest(score * 1_000)).label(name)


def _report(maturity_days: int) -> ColumnElement[bool | None]:
    """What the report says that decides; NULL without one in the window."""
    told, since = outcomes.c, exposures.c
    in_window = (
        told.client_id == since.client_id,
        told.observed_at >= start_of_day(since.first_at),
        told.observed_at <= days_after(since.first_at, maturity_days),
    )
    newest = (told.observed_at.desc(), told.churned.desc())
    return select(told.churned).where(*in_window).order_by(*newest).limit(1).scalar_subquery().label("churned")


def _served(served: Sequence[Served]) -> ColumnElement[int]:
    """The part as its number: the names themselves would make the table too wide for memory."""
    pairs = [
        (and_(exposures.c.arm == each.arm, exposures.c.model == each.model), literal(number, Integer))
        for number, each in enumerate(served)
    ]
    return case(*pairs).label("served")


def _same_answer(said: FromClause, model: str) -> ColumnElement[bool]:
    """Whether the model said it at the client's first answer, beside a score of the arm's own."""
    own = exposures.c
    return and_(
        said.c.experiment == own.experiment,
        said.c.model == model,
        said.c.client_id == own.client_id,
        said.c.prediction_id == own.prediction_id,
        own.score.is_not(None),
    )
