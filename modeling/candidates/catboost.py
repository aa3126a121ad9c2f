"""CatBoost on the same codes as the others."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import catboost
import numpy as np

from modeling.candidates.base import Candidate, Curve, Doubles, Floats, Settings, best_option
from modeling.candidates.trees import FittedTrees
from modeling.catboost_trees import forest_of_export
from modeling.forest import Forest
from modeling.parts import Part
from modeling.plan import TrainingPlan
from modeling.schema import TableSchema

PATIENCE = 50
FIXED: dict[str, Any] = {
    "loss_function": "Logloss",
    "nan_mode": "Min",
    "random_seed": 0,
    "thread_count": 1,
    "allow_writing_files": False,
    "logging_level": "Silent",
}


class CatBoost(Candidate):
    algorithm = "catboost"
    display_name = "CatBoost"
    description = "CatBoost on log loss: trees that ask one question a level."
    options: tuple[Settings, ...] = (
        {"learning_rate": 0.08, "depth": 4, "l2_leaf_reg": 3.0},
        {"learning_rate": 0.08, "depth": 6, "l2_leaf_reg": 5.0},
    )

    def search(self, parts: Sequence[Part], plan: TrainingPlan) -> Settings:
        def curve(option: Settings, part: Part) -> Curve:
            return _curve(part, option, plan.most_trees)

        return best_option(self.options, curve, parts, plan.threads)

    def fit(self, x: Floats, y: Doubles, settings: Settings, schema: TableSchema) -> FittedTrees:
        chosen = {name: value for name, value in settings.items() if name != "trees"}
        model = catboost.CatBoost({**FIXED, **chosen, "iterations": settings["trees"]})
        model.fit(x, y)
        return FittedTrees(_raw(model), exported_forest(model, x.shape[1]))


def exported_forest(model: catboost.CatBoost, features: int) -> Forest:
    """The forest in the model's own JSON export."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        model.save_model(str(path), format="json")
        return forest_of_export(json.loads(path.read_text(encoding="utf-8")), features)


def _curve(part: Part, option: Settings, most: int) -> Curve:
    stop = {"iterations": most, "od_type": "Iter", "od_wait": PATIENCE, "use_best_model": False}
    model = catboost.CatBoost({**FIXED, **option, **stop})
    model.fit(part.learn_x, part.learn_y, eval_set=(part.check_x, part.check_y))
    return np.array(model.get_evals_result()["validation"]["Logloss"])


def _raw(model: catboost.CatBoost) -> Callable[[Floats], Doubles]:
    def raw(x: Floats) -> Doubles:
        return np.asarray(model.predict(x, prediction_type="RawFormulaVal", thread_count=1), np.float64)

    return raw
