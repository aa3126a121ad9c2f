"""LightGBM on log loss: with interactions, or as a sum of one step function a column."""

from collections.abc import Callable, Sequence
from typing import Any

import lightgbm
import numpy as np

from modeling.candidates.base import Candidate, Curve, Doubles, Floats, Settings, best_option
from modeling.candidates.trees import FittedSteps, FittedTrees
from modeling.lightgbm_trees import forest_of_text
from modeling.parts import Part
from modeling.plan import TrainingPlan
from modeling.schema import TableSchema

PATIENCE = 50
FIXED: dict[str, Any] = {
    "objective": "binary",
    "metric": "binary_logloss",
    "verbose": -1,
    "num_threads": 1,
    "seed": 0,
    "deterministic": True,
    "force_col_wise": True,
}


class Boosting(Candidate):
    algorithm = "gradient_boosting"
    display_name = "Gradient boosting"
    description = "LightGBM on log loss, with trees of a few leaves."
    options: tuple[Settings, ...] = (
        {"learning_rate": 0.05, "num_leaves": 6, "feature_fraction": 0.3, "lambda_l2": 10.0},
        {"learning_rate": 0.05, "num_leaves": 15, "feature_fraction": 0.5, "lambda_l2": 5.0},
        {"learning_rate": 0.1, "num_leaves": 31, "feature_fraction": 0.8, "lambda_l2": 1.0},
    )

    def search(self, parts: Sequence[Part], plan: TrainingPlan) -> Settings:
        def curve(option: Settings, part: Part) -> Curve:
            return self._curve(part, option, plan.most_trees)

        return best_option(self.options, curve, parts, plan.threads)

    def fit(self, x: Floats, y: Doubles, settings: Settings, schema: TableSchema) -> FittedTrees:
        booster = lightgbm.train(self._parameters(settings, x), lightgbm.Dataset(x, y), settings["trees"])
        return FittedTrees(_raw(booster), forest_of_text(booster.model_to_string(), x.shape[1]))

    def _curve(self, part: Part, option: Settings, most: int) -> Curve:
        data = lightgbm.Dataset(part.learn_x, part.learn_y)
        seen: dict[str, Any] = {}
        record: Callable[..., Any] = lightgbm.record_evaluation(seen)
        stop: Callable[..., Any] = lightgbm.early_stopping(PATIENCE, verbose=False)
        checks = [lightgbm.Dataset(part.check_x, part.check_y, reference=data)]
        parameters = self._parameters(option, part.learn_x)
        lightgbm.train(parameters, data, most, valid_sets=checks, callbacks=[record, stop])
        return np.array(seen["valid_0"]["binary_logloss"])

    def _parameters(self, settings: Settings, x: Floats) -> dict[str, Any]:
        chosen = {name: value for name, value in settings.items() if name != "trees"}
        return {**FIXED, **chosen, "min_data_in_leaf": int(np.clip(len(x) // 100, 5, 50))}


class AdditiveBoosting(Boosting):
    """No tree mixes two columns. Stumps on coarse bins generalise best where a sum is enough."""

    algorithm = "additive"
    display_name = "Additive boosted steps"
    description = "LightGBM on log loss without interactions: a sum of one step function a column."
    options = (
        {"learning_rate": 0.1, "num_leaves": 2, "max_bin": 255, "lambda_l2": 5.0},
        {"learning_rate": 0.1, "num_leaves": 2, "max_bin": 32, "lambda_l2": 5.0},
        {"learning_rate": 0.1, "num_leaves": 4, "max_bin": 64, "lambda_l2": 5.0},
    )

    def fit(self, x: Floats, y: Doubles, settings: Settings, schema: TableSchema) -> FittedTrees:
        fitted = super().fit(x, y, settings, schema)
        return FittedSteps(fitted.raw, fitted.forest)

    def _parameters(self, settings: Settings, x: Floats) -> dict[str, Any]:
        alone = [[column] for column in range(x.shape[1])]
        return {**super()._parameters(settings, x), "interaction_constraints": alone}


def _raw(booster: lightgbm.Booster) -> Callable[[Floats], Doubles]:
    def raw(x: Floats) -> Doubles:
        return np.asarray(booster.predict(x, raw_score=True, num_threads=1), np.float64)

    return raw
