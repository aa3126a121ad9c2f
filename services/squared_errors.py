"""How wrong scores were, by what became of the clients: the squared errors that a Brier score is the mean of."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from data import readout_counts
from data.exposures import TREATED_ARM, monthly_holdout
from data.readout_store import Bin, EarlyOutcomes, Question, Served, early_outcomes
from data.readout_tallies import tallies
from experiments.statistics import Tally
from services.challengers import Challenge

LONGEST_MONTH = timedelta(days=31)
Pair = tuple[Tally, Tally]


def squared_errors(connection: Connection, challenge: Challenge, now: datetime, maturity_days: int) -> Pair:
    """Those of the challenger and of the champion, on the matured clients of the experiment; of a shadow, on the same
    clients of the month in which most have matured."""
    if challenge.experiment is None:
        months = _months(now, maturity_days)
        found = [_of_shadow(connection, month, challenge, now, maturity_days) for month in months]
        return max(found, key=lambda pair: pair[0].n)
    return _of_arms(connection, challenge, now, maturity_days)


def _of_arms(connection: Connection, challenge: Challenge, now: datetime, maturity_days: int) -> Pair:
    name = challenge.experiment or ""
    its, usual = Served(challenge.arm or "", challenge.model), Served(challenge.control or "", challenge.champion)
    question = Question(name, now, maturity_days, tuple(readout_counts.served(connection, name)))
    if not question.served:
        return _tally((), "none"), _tally((), "none")
    found = tallies(connection, question, ())
    early = early_outcomes(found.parts)
    return _tally(_of(its, found.bins), early), _tally(_of(usual, found.bins), early)


def _of_shadow(connection: Connection, month: str, challenge: Challenge, now: datetime, maturity_days: int) -> Pair:
    question = Question(month, now, maturity_days, (Served(TREATED_ARM, challenge.champion),))
    found = tallies(connection, question, [challenge.model])
    early, scores = early_outcomes(found.parts), found.silent[challenge.model]
    return _tally(scores.silent, early), _tally(scores.own, early)


def _months(now: datetime, maturity_days: int) -> list[str]:
    """The months in which clients came who have matured by now, as far as two ends of them reach back."""
    matured = now - timedelta(days=maturity_days)
    return list(dict.fromkeys(monthly_holdout(at) for at in (now, matured, matured - LONGEST_MONTH)))


def _of(served: Served, bins: Sequence[Bin]) -> list[Bin]:
    return [each for each in bins if each.served == served]


def _tally(bins: Iterable[Bin], early: EarlyOutcomes) -> Tally:
    found = Tally(0, 0.0, 0.0)
    for each in bins:
        n, left = each.matured(early)
        missed, feared = (1 - each.score) ** 2, each.score**2
        stayed = n - left
        found += Tally(n, left * missed + stayed * feared, left * missed**2 + stayed * feared**2)
    return found
