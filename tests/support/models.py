"""Real models, trained in a second on made-up subscribers: what the service serves in tests."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from modeling.artifacts import write_folder
from modeling.dataset import Choices, Dataset, read_dataset
from modeling.features import input_model
from modeling.plan import QUICK
from modeling.registry import ModelRegistry
from modeling.schema import TableSchema
from modeling.subscribers import write_subscribers
from modeling.train import Training, train

TRAINED_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ROWS = 1_500


@dataclass(frozen=True, slots=True)
class Trained:
    """Model folders, version 1 of each algorithm, and the table behind them. `rows` are request bodies."""

    models_dir: Path
    aliases: dict[str, str]
    dataset: Dataset
    training: Training

    @property
    def schema(self) -> TableSchema:
        return self.training.schema

    @property
    def rows(self) -> list[dict[str, Any]]:
        return self.dataset.rows

    @property
    def refs(self) -> list[str]:
        return [model.card.ref for model in self.training.models]


def write_models(models_dir: Path, training: Training) -> None:
    for model in training.models:
        write_folder(models_dir, model.card.name, int(model.card.version), model.files)


def train_models(folder: Path) -> Trained:
    """`additive@1`, `gradient_boosting@1`, `catboost@1` and `heuristic@1`, the additive one in charge."""
    write_subscribers(folder / "subscribers.csv", ROWS)
    dataset = read_dataset(folder / "subscribers.csv", Choices())
    training = train(dataset, lambda algorithm, _won: (algorithm, 1), TRAINED_AT, QUICK)
    write_models(folder / "models", training)
    aliases = {"champion": "additive@1", "challenger": "gradient_boosting@1", "heuristic": "heuristic@1"}
    return Trained(folder / "models", aliases, dataset, training)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """What `train_models` makes, once a run."""
    return train_models(tmp_path_factory.mktemp("trained"))


@pytest.fixture(scope="session")
def models_dir(trained: Trained) -> Path:
    """The model folders; whoever changes them works on a copy."""
    return trained.models_dir


def scorer(models_dir: Path) -> Callable[[str, str], float]:
    """What a model, named as `name@version` and asked by itself, says of a ledger row's input."""
    registry = ModelRegistry(models_dir)

    @cache
    def own_score(reference: str, spelled: str) -> float:
        loaded = registry.load(reference)
        return float(loaded.model.predict(input_model(loaded.schema).model_validate_json(spelled)).probability)

    return own_score
