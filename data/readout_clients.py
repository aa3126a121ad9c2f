"""The clients of an experiment as columns of numbers. Here alone is written which report of a client decides."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import ColumnElement, Connection, FromClause, Select, and_, case, func, literal_column, select

from data.expressions import day_number, days_after, nearest, start_of_day
from data.number_table import Doubles, read_numbers
from data.readout_store import Question, Served
from data.tables import exposure_scores, exposures, outcomes

STRETCH = 20_000
FINE_BELOW = 0.1
STATES = 6
"""Nothing told, told that the client stayed, told that it left; the same three once its window is closed."""
Conditions = Sequence[ColumnElement[bool]]
Wholes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Clients:
    """One client a place. `served` counts the question's; `day` is of UTC, since 1970-01-01; `ltv` is NaN where it is
    unknown. `own` and each of `silent` are scores in ten-thousandths, NaN where there is none."""

    served: Wholes
    day: Wholes
    state: Wholes
    ltv: Doubles
    own: Doubles
    silent: Sequence[Doubles]


def read_clients(
    connection: Connection, question: Question, silent: Sequence[str] = (), only: Conditions = ()
) -> Clients:
    """The clients whom the question's `served` met, with the scores of the `silent` models; with `only`, those alone of
    whose exposures all of it is true. To be asked for some `STRETCH` at a time."""
    rows = read_numbers(connection, _wanted(question, silent, only))
    rows = rows[~np.isnan(rows[:, 0])]
    code = rows[:, 0].astype(np.int64)
    place, state = np.divmod(code, STATES)
    day, served = np.divmod(place, len(question.served))
    return Clients(served, day, state, rows[:, 1], rows[:, 2], list(rows[:, 3:].T))


def stretches(connection: Connection, experiment: str, size: int = STRETCH) -> Iterator[Conditions]:
    """All clients of an experiment in pieces of so many, by their ids."""
    mine = (_E.experiment == experiment,)
    after: Conditions = ()
    while True:
        ids = select(_E.client_id).where(*mine, *after).order_by(_E.client_id)
        last = connection.scalar(ids.offset(size - 1).limit(1))
        if last is None:
            yield after
            return
        yield (*after, _E.client_id <= last)
        after = (_E.client_id > last,)


def _wanted(question: Question, silent: Sequence[str], only: Conditions) -> "Select[Any]":
    tables = [exposure_scores.alias(f"said_{place}") for place in range(len(silent))]
    joined: FromClause = exposures
    for table, model in zip(tables, silent, strict=True):
        joined = joined.outerjoin(table, _same_answer(table, model))
    scores = [_rounded(_E.score), *(_rounded(table.c.score) for table in tables)]
    named = [each.label(f"score_{place}") for place, each in enumerate(scores)]
    wanted = select(_code(question).label("code"), _E.ltv, *named).select_from(joined)
    return wanted.where(_E.experiment == question.experiment, *only)


def _code(question: Question) -> ColumnElement[int]:
    """The day, the part and the state as one number: the fewer there are to send, the better."""
    closed = case((_E.first_at <= question.closed_until, 3), else_=0)
    state = closed + func.coalesce(_report(question.maturity_days) + 1, 0)
    return (day_number(_E.first_at) * len(question.served) + _part(question.served)) * STATES + state


def _report(maturity_days: int) -> ColumnElement[Any]:
    """1 where the report that decides says that the client left, 0 where that it stayed; NULL without one. To be
    mentioned once, since each mention is a search."""
    told = outcomes.c
    in_window = (
        told.client_id == _E.client_id,
        told.observed_at >= start_of_day(_E.first_at),
        told.observed_at <= days_after(_E.first_at, maturity_days),
    )
    newest = (told.observed_at.desc(), told.churned.desc())
    left = case((told.churned, 1), else_=0)
    return select(left).where(*in_window).order_by(*newest).limit(1).correlate(exposures).scalar_subquery()


def _part(served: Sequence[Served]) -> ColumnElement[int]:
    """Its number; NULL for what the question does not know."""
    pairs = enumerate(served)
    return case(*((and_(_E.arm == each.arm, _E.model == each.model), literal_column(str(n))) for n, each in pairs))


def _rounded(score: ColumnElement[Any]) -> ColumnElement[int]:
    """In ten-thousandths: low scores to four decimals, others to three, or there would be a bin for every client."""
    return case((score < FINE_BELOW, nearest(score * 10_000)), else_=10 * nearest(score * 1_000))


def _same_answer(said: FromClause, model: str) -> ColumnElement[bool]:
    """Whether the model said it at the client's first answer, beside a score of the arm's own."""
    return and_(
        said.c.experiment == _E.experiment,
        said.c.model == model,
        said.c.client_id == _E.client_id,
        said.c.prediction_id == _E.prediction_id,
        _E.score.is_not(None),
    )


_E = exposures.c
