"""Everything that the database is asked for one readout, its questions side by side."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from threading import Lock
from typing import Protocol, TypeVar

from sqlalchemy import Connection, Engine

from data import readout_counts
from data.readout_clients import stretches
from data.readout_store import Bin, EarlyOutcomes, Part, Question, early_outcomes
from data.readout_tallies import SilentBins, count, parts, told
from helpers.errors import UserError

AT_ONCE = 3  # with the seven other threads of a web process, each on one connection, as many as its engine has
WAIT_SECONDS = 3.0  # whoever waits keeps a thread from answering, so not much longer than a reading takes
Found = TypeVar("Found")


_one_at_a_time = Lock()


class ReadoutBusy(UserError):
    """Others are being read in this process; to be asked again in some seconds."""


@dataclass(frozen=True, slots=True)
class Figures:
    """`answers` are ledger rows by arm, None where nobody asked; `contacted` clients of the holdout, `waiting` reports
    that count for nobody."""

    first_at: datetime | None
    parts: Sequence[Part]
    early: EarlyOutcomes
    bins: Sequence[Bin]
    silent: Mapping[str, SilentBins]
    answers: Mapping[str, int] | None
    contacted: int
    waiting: int


class Ask(Protocol):
    """Asks the database something meanwhile."""

    def __call__(self, question: Callable[[Connection], Found]) -> "Future[Found]": ...


@contextmanager
def asking(engine: Engine) -> Iterator[Ask]:
    """Every question that is asked inside has a connection of its own, and so a core of the database's machine.

    One such reading at a time in a process, or they would take the connections of everybody else. Raises ReadoutBusy.
    """

    def answer(question: Callable[[Connection], Found]) -> Found:
        with engine.connect() as connection:
            return question(connection)

    if not _one_at_a_time.acquire(timeout=WAIT_SECONDS):
        raise ReadoutBusy("other experiments are being read just now; try again in a few seconds")
    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            yield lambda question: pool.submit(answer, question)
    finally:
        _one_at_a_time.release()


def gather(engine: Engine, experiment: str, now: datetime, maturity_days: int) -> Figures:
    """The figures of an experiment as they are known at `now`. Raises ReadoutBusy."""
    with engine.connect() as connection:
        waiting = readout_counts.waiting_reports(connection)
        first = readout_counts.served(connection, experiment)
        models = readout_counts.silent_models(connection, experiment)
    question = Question(experiment, now, maturity_days, tuple(first))
    arms = dict.fromkeys(served.arm for served in first)
    with asking(engine) as ask:
        answers = ask(partial(readout_counts.answers, experiment=experiment, arms=arms))
        contacted = ask(partial(readout_counts.contacted, experiment=experiment, maturity_days=maturity_days))
        pieces = ask(lambda connection: list(stretches(connection, experiment))).result() if first else []
        counted = [ask(partial(count, question=question, silent=models, only=each)) for each in pieces]
        found = told(question, models, [each.result() for each in counted])
        return Figures(
            first_at=min(first.values(), default=None),
            parts=found.parts,
            early=early_outcomes(found.parts),
            bins=found.bins,
            silent=found.silent,
            answers=answers.result(),
            contacted=contacted.result(),
            waiting=waiting,
        )


def glimpse(engine: Engine, experiment: str, now: datetime, maturity_days: int) -> Figures:
    """Those figures alone that decide: neither scores nor rows of the ledger, which take most of the time."""
    with engine.connect() as connection:
        waiting = readout_counts.waiting_reports(connection)
        first = readout_counts.served(connection, experiment)
        found = parts(connection, Question(experiment, now, maturity_days, tuple(first)))
        contacted = readout_counts.contacted(connection, experiment, maturity_days)
    early = early_outcomes(found)
    return Figures(min(first.values(), default=None), found, early, (), {}, None, contacted, waiting)
