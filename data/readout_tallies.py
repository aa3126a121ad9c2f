"""The clients of an experiment, counted."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from data.number_table import Doubles
from data.readout_clients import STATES, Clients, Conditions, Wholes, read_clients, stretches
from data.readout_store import Bin, Part, Question

_PLACES = 10_001
"""Scores that can be told apart."""


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


@dataclass(frozen=True, slots=True)
class Sums:
    """Some clients, added up: `keys` (N,) say which of them belong together, `sums` (N, figures) what they come to."""

    keys: Wholes
    sums: Doubles

    @classmethod
    def of(cls, keys: Wholes, figures: Doubles) -> "Sums":
        """`figures`: those of each client, of shape (clients, figures)."""
        found, place = np.unique(keys, return_inverse=True)
        added = [np.bincount(place, weights=column, minlength=len(found)) for column in figures.T]
        return cls(found, np.stack(added, axis=1))

    @classmethod
    def together(cls, some: Sequence["Sums"]) -> "Sums":
        return cls.of(np.concatenate([each.keys for each in some]), np.concatenate([each.sums for each in some]))


@dataclass(frozen=True, slots=True)
class Counted:
    """The clients of one stretch: by day, part and state, and `faces` by part and score: their own scores, then those
    of each silent model, then their own of those whom each silent model scored."""

    clients: Sums
    faces: Sequence[Sums]


def count(connection: Connection, question: Question, silent: Sequence[str], only: Conditions = ()) -> Counted:
    """The clients of a stretch, or of whom else all of `only` is true."""
    found = read_clients(connection, question, silent, only)
    beside = [np.where(np.isnan(said), np.nan, found.own) for said in found.silent]
    faces = [_scores(found, scores) for scores in (found.own, *found.silent, *beside)]
    return Counted(_clients(found, len(question.served)), faces)


def tallies(connection: Connection, question: Question, silent: Sequence[str]) -> Tallies:
    """All clients, one stretch after the other."""
    if not question.served:
        return told(question, silent, [])
    found = stretches(connection, question.experiment)
    return told(question, silent, [count(connection, question, silent, each) for each in found])


def parts(connection: Connection, question: Question) -> Sequence[Part]:
    """The clients by arm, model and day and by what is known of them."""
    return tallies(connection, question, ()).parts


def told(question: Question, silent: Sequence[str], some: Sequence[Counted]) -> Tallies:
    """What was counted of all stretches."""
    if not some:
        return Tallies([], [], {model: SilentBins([], []) for model in silent})
    faces = zip(*(each.faces for each in some), strict=True)
    own, *others = (_bins(question, Sums.together(face)) for face in faces)
    pairs = zip(others[: len(silent)], others[len(silent) :], strict=True)
    by_model = {model: SilentBins(*pair) for model, pair in zip(silent, pairs, strict=True)}
    return Tallies(_parts(question, Sums.together([each.clients for each in some])), own, by_model)


def _clients(found: Clients, served: int) -> Sums:
    value = np.nan_to_num(found.ltv)
    figures = (np.ones(len(value)), ~np.isnan(found.ltv), value, value**2)
    return Sums.of((found.day * served + found.served) * STATES + found.state, np.stack(figures, axis=1))


def _scores(found: Clients, scores: Doubles) -> Sums:
    """Under a score those alone of whom something is known."""
    state = found.state
    counts = ~np.isnan(scores) & (state > 0)
    figures = np.stack((state >= 3, state == 5, state < 3, state == 2), axis=1)  # as in `Bin`
    return Sums.of(found.served[counts] * _PLACES + scores[counts].astype(np.int64), figures[counts])


def _parts(question: Question, found: Sums) -> list[Part]:
    return [_part(question, key, *figures) for key, figures in _rows(found)]


def _part(question: Question, key: int, clients: float, valued: float, value: float, squares: float) -> Part:
    place, state = divmod(key, STATES)
    day, served = divmod(place, len(question.served))
    closed, told = divmod(state, 3)
    churned = None if told == 0 else told == 2
    return Part(question.served[served], day, bool(closed), churned, int(clients), int(valued), value, squares)


def _bins(question: Question, found: Sums) -> list[Bin]:
    return [
        Bin(question.served[key // _PLACES], key % _PLACES / 10_000, *map(int, figures))
        for key, figures in _rows(found)
    ]


def _rows(found: Sums) -> Iterable[tuple[int, list[float]]]:
    return zip(found.keys.tolist(), found.sums.tolist(), strict=True)
