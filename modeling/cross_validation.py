"""Predictions for every row by models that saw neither the row nor its twins."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from modeling.candidates.base import Candidate, Settings
from modeling.evaluate import OutOfFold
from modeling.folds import assign_folds
from modeling.parts import Part, Table, parts
from modeling.plan import TrainingPlan

Doubles = npt.NDArray[np.float64]
Found = Mapping[str, Settings]


def cross_validate(
    candidates: Sequence[Candidate], settings: Found, table: Table, plan: TrainingPlan, fitted: Callable[[str], None]
) -> dict[str, OutOfFold]:
    """The out-of-fold predictions of each algorithm; `fitted` is told the algorithm after each fit."""
    folds = np.stack([assign_folds(table.y, table.groups, plan.folds, seed) for seed in plan.seeds])
    found = {one.algorithm: OutOfFold(folds, np.empty(folds.shape)) for one in candidates}
    with ThreadPoolExecutor(plan.threads) as pool:
        for seed, fold in enumerate(folds):
            for part in parts(table, fold):
                answers = pool.map(lambda one, part=part: _checked(one, settings, part), candidates)
                for candidate, predicted in zip(candidates, answers, strict=True):
                    found[candidate.algorithm].predictions[seed, part.check] = predicted
                    fitted(candidate.algorithm)
    return found


def _checked(candidate: Candidate, settings: Found, part: Part) -> Doubles:
    model = candidate.fit(part.learn_x, part.learn_y, settings[candidate.algorithm], part.schema)
    return model.probabilities(part.check_x)
