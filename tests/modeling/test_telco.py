"""The real table: what the service answers is what was trained, and the bar that the champion has to clear."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modeling.artifacts import write_folder
from modeling.calibration import Calibration
from modeling.candidates.base import Candidate
from modeling.candidates.boosting import AdditiveBoosting, Boosting
from modeling.candidates.catboost import CatBoost
from modeling.candidates.heuristic import Heuristic
from modeling.dataset import Choices, Dataset, read_dataset
from modeling.fitting import fit
from modeling.folds import assign_folds
from modeling.parts import Table
from modeling.plan import TrainingPlan
from modeling.registry import ModelRegistry
from modeling.train import train
from tests.modeling.tables import TELCO
from tests.support.models import TRAINED_AT, write_models

SETTINGS: list[tuple[Candidate, dict[str, Any]]] = [
    (AdditiveBoosting(), {"learning_rate": 0.1, "num_leaves": 2, "max_bin": 32, "lambda_l2": 5.0, "trees": 300}),
    (Boosting(), {"learning_rate": 0.05, "num_leaves": 6, "feature_fraction": 0.3, "lambda_l2": 10.0, "trees": 150}),
    (CatBoost(), {"learning_rate": 0.08, "depth": 4, "l2_leaf_reg": 3.0, "trees": 80}),
    (Heuristic(), {}),
]


@pytest.fixture(scope="module")
def telco() -> Dataset:
    return read_dataset(TELCO, Choices())


@pytest.mark.parametrize(("candidate", "settings"), SETTINGS)
def test_the_service_answers_500_customers_as_the_trainer_does(
    telco: Dataset, tmp_path: Path, candidate: Candidate, settings: dict[str, Any]
) -> None:
    plain = Table(telco.x, telco.y.astype(float), telco.groups, telco.schema)
    learn = assign_folds(plain.y, plain.groups, 5, 0) != 0
    table = plain.ordered(learn)
    trained = candidate.fit(table.x[learn], table.y[learn], settings, table.schema)
    made = fit(candidate, settings, Calibration(1.0, 0.0, ""), table, learn)
    card = made.card.model_copy(update={"name": "telco", "version": "3"})
    write_folder(tmp_path, "telco", 3, {**made.files, "card.json": card.model_dump_json().encode()})
    loaded = ModelRegistry(tmp_path).load("telco@3")
    chosen = np.random.default_rng(11).choice(len(table), 500, replace=False)
    given = [loaded.model.input_schema.model_validate(telco.rows[i]) for i in chosen]
    served = np.array([loaded.model.predict(one).probability for one in given])
    assert np.abs(served - trained.probabilities(table.x[chosen])).max() <= 1e-6
    assert (loaded.card.name, loaded.card.version) == ("telco", "3")


@pytest.mark.slow
def test_the_champion_clears_the_bar(telco: Dataset, tmp_path: Path) -> None:
    training = train(telco, lambda algorithm, _won: (algorithm, 1), TRAINED_AT, replace(TrainingPlan(), resamples=100))
    write_models(tmp_path, training)
    card = ModelRegistry(tmp_path).load(training.winner.card.ref).card
    assert (card.cross_validated["folds"], card.cross_validated["seeds"]) == (5, 3)
    assert card.cross_validated["roc_auc"]["mean"] >= 0.847
    assert card.cross_validated["pooled_ece"] <= 0.02
    assert card.cross_validated["log_loss"]["mean"] <= 0.415
    assert training.rejected == ()
    assert {one["algorithm"] for one in card.candidates} == {
        *("additive", "gradient_boosting", "catboost"),
        "heuristic",
    }
    assert all(one["parity_max_abs_diff"] <= 1e-6 for one in card.candidates)
    by_name = {one["algorithm"]: one["roc_auc"] for one in card.candidates}
    assert min(by_name, key=lambda name: by_name[name]) == "heuristic"
    assert 0.2 <= card.cutoff <= 0.5
