"""The made-up table is believable, the same each time, and quick."""

import csv
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from modeling.choices import Choices
from modeling.dataset import Dataset, read_dataset
from modeling.subscribers import subscribers, subscribers_with_truth, write_subscribers
from tests.modeling.tables import chosen, flags


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    path = tmp_path_factory.mktemp("subscribers") / "subscribers.csv"
    write_subscribers(path)
    return read_dataset(path, Choices())


def test_it_is_read_without_a_flag(dataset: Dataset) -> None:
    assert (dataset.schema.id, dataset.schema.target, dataset.schema.positive) == ("subscriber_id", "churned", "Yes")
    assert chosen(dataset)["value"] == "monthly_charge"
    assert len(dataset.rows) == 10_000
    assert dataset.dropped == ()
    assert 0.18 < dataset.y.mean() < 0.22
    assert len(np.unique(dataset.groups)) == 10_000


def test_the_same_seed_gives_the_same_file_and_another_seed_another(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_subscribers(tmp_path / name, rows=200, seed=seed)
    a, b, c = ((tmp_path / name).read_bytes() for name in "abc")
    assert a == b != c
    with (tmp_path / "a").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 200


def test_gaps_are_where_they_are_expected(dataset: Dataset) -> None:
    gaps = {feature.name for feature in dataset.schema.features if feature.nullable}
    assert gaps == {"usage_hours_week", "usage_trend_percent", "days_since_login", "satisfaction", "age"}


def test_what_drives_people_away_can_be_learned_and_not_foretold(dataset: Dataset) -> None:
    """Better than a straight line, since effects depend on each other; and never certain."""
    learn = np.arange(len(dataset.y)) % 2 == 0
    line = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression())
    trees = HistGradientBoostingClassifier(max_leaf_nodes=8, learning_rate=0.05, random_state=0)
    auc = {}
    for name, model in (("line", line), ("trees", trees)):
        model.fit(dataset.x[learn], dataset.y[learn])
        auc[name] = roc_auc_score(dataset.y[~learn], model.predict_proba(dataset.x[~learn])[:, 1])
    assert 0.75 < auc["line"] < auc["trees"] - 0.01
    assert 0.80 < auc["trees"] < 0.85


def test_effects_point_where_everyone_expects() -> None:
    table = subscribers(20_000)
    left = flags(table)
    tenure, calls = np.array(table["tenure_months"]), np.array(table["support_calls"])
    contract = np.array(table["contract"])
    assert left[contract == "Monthly"].mean() > 2 * left[contract == "Two years"].mean()
    assert left[tenure < 12].mean() > left[tenure > 36].mean()
    young = left[(tenure < 12) & (calls >= 3)].mean() - left[(tenure < 12) & (calls == 0)].mean()
    old = left[(tenure >= 12) & (calls >= 3)].mean() - left[(tenure >= 12) & (calls == 0)].mean()
    assert young > 2 * old > 0


def test_the_truth_is_that_of_the_table() -> None:
    table, chances = subscribers_with_truth(20_000, 5)
    assert table == subscribers(20_000, 5)
    left = np.array(table["churned"]) == "Yes"
    assert chances.mean() == pytest.approx(0.2, abs=1e-6)
    for low, high in ((0.0, 0.1), (0.1, 0.3), (0.3, 0.6), (0.6, 1.0)):
        band = (chances >= low) & (chances < high)
        error = np.sqrt((chances[band] * (1 - chances[band])).sum()) / band.sum()
        assert abs(left[band].mean() - chances[band].mean()) < 4 * error
