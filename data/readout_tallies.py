"""The clients of an experiment, counted by the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    Subquery,
    and_,
    case,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy import true as always

from data.expressions import day_number
from data.readout_store import Bin, Part, Question, labelled, rounded
from data.tables import exposures


@dataclass(frozen=True, slots=True)
class SilentBins:
    """The scores of a silent model and, of the same clients, those of the models that served them."""

    silent: Sequence[Bin]
    own: Sequence[Bin]


@dataclass(frozen=True, slots=True)
class Tallies:
    """All clients by what is known of them; and those of whom something is known, by the scores of the models that
    served them and by those of each silent model."""

    parts: Sequence[Part]
    bins: Sequence[Bin]
    silent: Mapping[str, SilentBins]


def parts(connection: Connection, question: Question) -> Sequence[Part]:
    """The clients by arm, model and day and by what is known of them."""
    found = labelled(question, _DAY, exposures.c.ltv)
    return _counted(connection, question, found, [found.c.day]).parts


def tallies(connection: Connection, question: Question, silent: Sequence[str]) -> Tallies:
    """Everything in one pass: looking up each client's report and silent scores takes most of the time."""
    found = labelled(question, _DAY, exposures.c.ltv, rounded(exposures.c.score, "own"), silent=silent)
    said = [found.c[f"silent_{place}"] for place in range(len(silent))]
    beside = [case((each.is_not(None), found.c.own)) for each in said]
    counted = _counted(connection, question, found, [found.c.day, found.c.own, *said, *beside])
    _, own, *others = counted.bins
    pairs = zip(others[: len(silent)], others[len(silent) :], strict=True)
    return Tallies(counted.parts, own, {model: SilentBins(*pair) for model, pair in zip(silent, pairs, strict=True)})


@dataclass(frozen=True, slots=True)
class _Counted:
    """The clients by their days, and under each face by their scores."""

    parts: list[Part]
    bins: list[list[Bin]]


def _counted(
    connection: Connection, question: Question, found: Subquery, faces: Sequence[ColumnElement[Any]]
) -> _Counted:
    """Counts every client once under each of the `faces`: the first is its day, the others are scores."""
    counted = _Counted([], [[] for _ in faces])
    for face, number, place, *figures in connection.execute(_wanted(found, faces)) if question.served else ():
        part = question.served[number]
        if face == 0:
            closed, churned, clients, valued, *money = figures[:6]
            value, squares = (each or 0.0 for each in money)
            counted.parts.append(Part(part, int(place), closed, churned, clients, valued, value, squares))
        else:
            counted.bins[face].append(Bin(part, place / 10_000, *figures[6:]))
    return counted


def _wanted(found: Subquery, faces: Sequence[ColumnElement[Any]]) -> "Select[Any]":
    """Under a score those alone of whom something is known, but not parted by it."""
    numbers = union_all(*(select(literal(n, Integer).label("face")) for n in range(len(faces)))).subquery("faces")
    face, closed, churned = numbers.c.face, found.c.closed, found.c.churned
    by_day, told = face == 0, churned.is_not(None)
    place = case(dict(enumerate(faces)), value=face)
    keys = (face, found.c.served, place, case((by_day, closed)), case((by_day, churned)))
    groups = [key.label(name) for key, name in zip(keys, ("face", "part", "place", "over", "became"), strict=True)]
    value = case((by_day, found.c.ltv))
    sums = (func.count(), func.count(value), func.sum(value), func.sum(value * value))
    states = (closed, and_(closed, churned), and_(~closed, told), and_(~closed, churned))
    return (
        select(*groups, *sums, *(func.count(case((state, 1))) for state in states))
        .select_from(found.join(numbers, always()))
        .where(found.c.served.is_not(None), place.is_not(None), or_(by_day, closed, told))
        .group_by(*groups)
    )


_DAY = day_number(exposures.c.first_at).label("day")
