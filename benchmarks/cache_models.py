"""What the benchmark of the cache has score clients: our models, and a pipeline as it is served in a hurry."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from modeling.artifacts import write_folder
from modeling.dataset import Choices, read_dataset
from modeling.interface import MLModel
from modeling.plan import QUICK
from modeling.registry import ModelRegistry
from modeling.subscribers import write_subscribers
from modeling.train import train

ROWS, TREES = 3_000, 150
NAMES = {"heuristic": "heuristic", "additive": "additive", "gradient_boosting": "lightgbm", "catboost": "catboost"}
Row = dict[str, Any]


def ours(folder: Path) -> tuple[dict[str, MLModel], list[Row]]:
    """A model of each kind, by kind, and customers who all differ."""
    write_subscribers(folder / "table.csv", ROWS)
    dataset = read_dataset(folder / "table.csv", Choices())
    plan = replace(QUICK, most_trees=TREES, plots=False)
    training = train(dataset, lambda algorithm, _won: (algorithm, 1), datetime.now(UTC), plan)
    for model in training.models:
        write_folder(folder / "models", model.card.name, int(model.card.version), model.files)
    registry = ModelRegistry(folder / "models")
    rows = list({repr(row): row for row in dataset.rows}.values())[:200]
    return {kind: registry.load(f"{name}@1").model for name, kind in NAMES.items()}, rows


def naive(folder: Path) -> Callable[[Row], float]:
    """Scores a row by a data frame of one row and a scikit-learn pipeline of the same table."""
    table = pd.read_csv(folder / "table.csv")
    target, name = table.iloc[:, -1], table.columns[0]
    features = table.drop(columns=[name, table.columns[-1]])
    texts = make_column_selector(dtype_exclude="number")
    encoded = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), texts), remainder="passthrough"
    )
    fitted = make_pipeline(encoded, HistGradientBoostingClassifier(max_iter=TREES)).fit(features, target)
    kinds = features.dtypes.to_dict()

    def score(row: Row) -> float:
        frame = pd.DataFrame([row], columns=features.columns).astype(kinds)
        return float(fitted.predict_proba(frame)[0, 1])

    return score
