"""Trains every algorithm on one table, tests them on rows that none has seen, and names a winner."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter

import numpy as np
import numpy.typing as npt

from helpers.errors import UserError
from modeling.calibration import Calibration, calibrate, mended
from modeling.candidates.base import Candidate, Settings
from modeling.candidates.boosting import AdditiveBoosting, Boosting
from modeling.candidates.catboost import CatBoost
from modeling.candidates.heuristic import Heuristic
from modeling.cross_validation import cross_validate
from modeling.dataset import Dataset
from modeling.describe import Described, Naming, Trial, describe
from modeling.evaluate import OutOfFold, choose
from modeling.fitting import Fit, ParityError, fit
from modeling.folds import assign_folds
from modeling.metrics import log_losses
from modeling.parts import Table, search_parts
from modeling.plan import TrainingPlan
from modeling.schema import TableSchema

CANDIDATES: Sequence[Candidate] = (AdditiveBoosting(), Boosting(), CatBoost(), Heuristic())
PREFERRED, RULE_OF_THUMB = "additive", "heuristic"
SEARCH_SEED = 1_000

Progress = Callable[[int, int, str], None]
Tell = Callable[[str], None]
Doubles = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Training:
    """The models of one training, the winner first and the others by log loss; `reason` says why it
    won. `schema` is that of all of them, with the categories in the order of the rows learned from.

    `rejected` says of each algorithm whose export differed from its trainer what was measured.
    """

    models: tuple[Described, ...]
    schema: TableSchema
    reason: str
    rejected: tuple[str, ...]

    @property
    def winner(self) -> Described:
        return self.models[0]


@dataclass(frozen=True, slots=True)
class Tested:
    """An algorithm's settings and its out-of-fold predictions, mended if need be."""

    candidate: Candidate
    settings: Settings
    out_of_fold: OutOfFold
    calibration: Calibration


def train(
    dataset: Dataset,
    naming: Naming,
    created_at: datetime,
    plan: TrainingPlan | None = None,
    progress: Progress = lambda _done, _total, _what: None,
) -> Training:
    """Trains, tests and describes each algorithm of the plan.

    `naming` gives the name and version of an algorithm's model, told whether it won; `progress` is told the
    steps done, all steps, and what was just done. Raises UserError when there are too few customers, or when
    no learned model equals its trainer once exported.
    """
    started = perf_counter()
    plan = (plan or TrainingPlan()).for_rows(len(dataset.y))
    chosen = [one for one in CANDIDATES if one.algorithm in plan.algorithms]
    tell = _counted(len(chosen) * (3 + plan.folds * len(plan.seeds)), progress)
    table = Table(dataset.x, dataset.y.astype(np.float64), dataset.groups, dataset.schema)
    _refuse_too_few(table, max(plan.folds, plan.test_folds, plan.search_folds))
    learn = assign_folds(table.y, table.groups, plan.test_folds, plan.split_seed) != 0
    tested = _tested(chosen, table, learn, plan, tell)
    coded = table.ordered(learn)
    fits, rejected = _fitted(tested, coded, learn, tell)
    ranked, reason = _ranked(fits, table.y, learn)
    trial = Trial(dataset, coded, learn, plan, created_at, started)
    return Training(tuple(describe(trial, ranked, naming, tell)), coded.schema, reason, rejected)


def _tested(chosen: Sequence[Candidate], table: Table, learn: Flags, plan: TrainingPlan, tell: Tell) -> list[Tested]:
    """Settings by a search in the rows to learn from, then predictions out of fold for all rows."""
    parts = search_parts(table.rows(learn), plan.search_folds, plan.search_rows, SEARCH_SEED)
    settings: dict[str, Settings] = {}
    for candidate in chosen:
        settings[candidate.algorithm] = candidate.search(parts, plan)
        tell(f"{candidate.algorithm}: settings found")
    found = cross_validate(chosen, settings, table, plan, lambda name: tell(f"{name}: cross-validating"))
    return [_mended(one, settings[one.algorithm], found[one.algorithm], table.y, learn) for one in chosen]


def _mended(candidate: Candidate, settings: Settings, found: OutOfFold, y: Doubles, learn: Flags) -> Tested:
    """Whether probabilities need mending is judged, like all else, without the held-out rows."""
    calibration = calibrate(y[learn], found.rows(learn))
    return Tested(candidate, settings, mended(y, found, calibration), calibration)


def _fitted(
    tested: Sequence[Tested], coded: Table, learn: Flags, tell: Tell
) -> tuple[list[tuple[Tested, Fit]], tuple[str, ...]]:
    fits, rejected = [], []
    for one in tested:
        try:
            fits.append((one, fit(one.candidate, one.settings, one.calibration, coded, learn)))
        except ParityError as error:
            rejected.append(str(error))
        tell(f"{one.candidate.algorithm}: fitted and exported")
    if all(one.candidate.algorithm == RULE_OF_THUMB for one, _ in fits) and rejected:
        raise UserError("; ".join(rejected))
    return fits, tuple(rejected)


def _ranked(fits: Sequence[tuple[Tested, Fit]], y: Doubles, learn: Flags) -> tuple[list[tuple[OutOfFold, Fit]], str]:
    """The winner first, then the others by log loss: of the rows to learn from, each out of its fold."""
    pooled = {one.candidate.algorithm: one.out_of_fold.pooled[learn] for one, _ in fits}
    winner, reason = choose(y[learn], pooled, PREFERRED)
    losses = {name: float(log_losses(y[learn], p).mean()) for name, p in pooled.items()}
    names = sorted(losses, key=lambda name: (name != winner, losses[name]))
    by_name = {one.candidate.algorithm: (one.out_of_fold, made) for one, made in fits}
    return [by_name[name] for name in names], reason


def _refuse_too_few(table: Table, folds: int) -> None:
    """Every fold needs customers of both labels, and twins count once."""
    _, index = np.unique(table.groups, return_inverse=True)
    leaving = np.bincount(index, weights=table.y) * 2 > np.bincount(index)
    least = int(min(leaving.sum(), (~leaving).sum()))
    if least < folds:
        raise UserError(
            f"only {least} different customers have one of the two labels, near-duplicates counted once; "
            f"a model needs {folds} or more to learn from and to test on"
        )


def _counted(total: int, progress: Progress) -> Tell:
    done = 0

    def tell(what: str) -> None:
        nonlocal done
        done += 1
        progress(min(done, total), total, what)

    return tell
