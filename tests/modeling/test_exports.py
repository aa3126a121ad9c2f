"""What is served equals what was trained: LightGBM, CatBoost and additive forests, gaps and near-ties included."""

from typing import Any

import catboost
import lightgbm
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeling.additive import additive_of
from modeling.candidates.boosting import AdditiveBoosting, Boosting
from modeling.candidates.catboost import CatBoost, exported_forest
from modeling.candidates.trees import FittedTrees
from modeling.explain import TreeExplainer
from modeling.forest import floor32
from modeling.lightgbm_trees import forest_of_text
from modeling.metrics import log_odds
from modeling.runtimes.onnx import open_session
from modeling.schema import Feature, TableSchema
from modeling.tree_text import tree_text

Floats = npt.NDArray[np.float32]

WIDTH = 5
SCHEMA = TableSchema("t", "id", "y", "1", tuple(Feature(f"f{i}", "number", nullable=True) for i in range(WIDTH)))
SETTINGS: dict[str, dict[str, Any]] = {
    "additive": {"learning_rate": 0.1, "num_leaves": 3, "trees": 60},
    "gradient_boosting": {"learning_rate": 0.1, "num_leaves": 12, "trees": 60},
    "catboost": {"learning_rate": 0.1, "depth": 4, "l2_leaf_reg": 3.0, "trees": 60},
}
CANDIDATES = {one.algorithm: one for one in (AdditiveBoosting(), Boosting(), CatBoost())}


def learned_from(rows: int = 3000, *, gaps: bool = True) -> tuple[Floats, npt.NDArray[np.float64]]:
    """Numbers whose neighbours differ in the last bit, codes, a count, and gaps in two columns."""
    random = np.random.default_rng(2)
    x = np.empty((rows, WIDTH), np.float32)
    x[:, 0] = np.float32(70) + random.integers(0, 400, rows) * np.spacing(np.float32(70))
    x[:, 1] = random.integers(1, 6, rows)
    x[:, 2] = random.exponential(900, rows)
    x[:, 3] = random.integers(0, 2, rows)
    x[:, 4] = random.normal(size=rows)
    odds = (x[:, 0] > np.median(x[:, 0])) + 0.4 * x[:, 1] - np.log1p(x[:, 2]) / 3 + x[:, 3] * (x[:, 4] > 0) - 1
    y = (random.random(rows) < 1 / (1 + np.exp(-odds.astype(np.float64)))).astype(np.float64)
    if gaps:
        x[random.random(rows) < 0.1, 2] = np.nan
        x[random.random(rows) < 0.1, 4] = np.nan
    return x, y


def met_later(x: Floats) -> Floats:
    """Rows of every kind that a request can hold: gaps anywhere, numbers far outside, categories never seen."""
    rows = np.concatenate([x, x])
    random = np.random.default_rng(3)
    rows[random.random(rows.shape) < 0.2] = np.nan
    rows[random.random(rows.shape) < 0.05] = 1e30
    rows[random.random(rows.shape) < 0.05] = -1e30
    rows[random.random(rows.shape) < 0.05] = 0.5
    return rows


@pytest.mark.parametrize("gaps", [True, False])
@pytest.mark.parametrize("algorithm", SETTINGS)
def test_the_graph_answers_like_the_trainer(algorithm: str, gaps: bool) -> None:
    x, y = learned_from(gaps=gaps)
    fitted = CANDIDATES[algorithm].fit(x, y, SETTINGS[algorithm], SCHEMA)
    session = open_session(fitted.export(x).files["model.onnx"], "model@1", WIDTH)
    for rows in (x, met_later(x)):
        served = session.run(["probability"], {"features": rows})[0]
        assert served.shape == (len(rows),)
        assert np.abs(served - fitted.probabilities(rows)).max() < 1e-6


@pytest.mark.parametrize("algorithm", SETTINGS)
def test_no_bit_of_an_answer_depends_on_its_neighbours(algorithm: str) -> None:
    x, y = learned_from()
    fitted = CANDIDATES[algorithm].fit(x, y, SETTINGS[algorithm], SCHEMA)
    session = open_session(fitted.export(x).files["model.onnx"], "model@1", WIDTH)
    rows = met_later(x)[:2400]
    alone = np.concatenate([session.run(["probability"], {"features": row[np.newaxis]})[0] for row in rows])
    for size in (2, 3, 4, 5, 7, 8, 30, 2400):
        parts = [session.run(["probability"], {"features": rows[i : i + size]})[0] for i in range(0, len(rows), size)]
        np.testing.assert_array_equal(np.concatenate(parts), alone)


@pytest.mark.parametrize("algorithm", ["gradient_boosting", "catboost"])
def test_contributions_and_base_sum_to_the_log_odds(algorithm: str) -> None:
    x, y = learned_from()
    fitted = CANDIDATES[algorithm].fit(x, y, SETTINGS[algorithm], SCHEMA)
    exported = fitted.export(x)
    found = TreeExplainer(exported.files["trees.txt"], WIDTH).explain_many(met_later(x))
    assert np.abs(found.sum(axis=1) - log_odds(fitted.probabilities(met_later(x)))).max() < 1e-6
    assert np.ptp(found[:, -1]) == 0
    assert found[0, -1] == exported.base


def test_contributions_equal_those_of_lightgbm() -> None:
    x, y = learned_from()
    booster = lightgbm.train({"objective": "binary", "verbose": -1, "num_leaves": 15}, lightgbm.Dataset(x, y), 50)
    text = tree_text(forest_of_text(booster.model_to_string(), WIDTH))
    explainer, rows = TreeExplainer(text, WIDTH), met_later(x)
    theirs = np.asarray(booster.predict(rows, pred_contrib=True), np.float64)
    np.testing.assert_allclose(explainer.explain_many(rows), theirs, atol=1e-12)
    np.testing.assert_allclose(explainer.explain(rows[7]), theirs[7], atol=1e-12)


def test_contributions_equal_those_of_catboost() -> None:
    x, y = learned_from()
    model = catboost.CatBoost({"loss_function": "Logloss", "iterations": 50, "depth": 5, "logging_level": "Silent"})
    model.set_params(allow_writing_files=False, thread_count=1)
    model.fit(x, y)
    ours = TreeExplainer(tree_text(exported_forest(model, WIDTH)), WIDTH).explain_many(met_later(x))
    theirs = model.get_feature_importance(catboost.Pool(met_later(x)), type="ShapValues", thread_count=1)
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize("algorithm", SETTINGS)
def test_a_calibrated_model_is_served_calibrated(algorithm: str) -> None:
    x, y = learned_from(1000)
    plain = CANDIDATES[algorithm].fit(x, y, SETTINGS[algorithm], SCHEMA)
    fitted = plain.calibrated(0.5, -0.3).calibrated(2.0, 0.1)
    expected = log_odds(plain.probabilities(x)) * 1.0 - 0.5
    np.testing.assert_allclose(log_odds(fitted.probabilities(x)), expected, atol=1e-9)
    exported = fitted.export(x)
    session = open_session(exported.files["model.onnx"], "model@1", WIDTH)
    assert np.abs(session.run(["probability"], {"features": x})[0] - fitted.probabilities(x)).max() < 1e-6
    if "trees.txt" in exported.files:
        effects = TreeExplainer(exported.files["trees.txt"], WIDTH).explain_many(x)
    else:
        effects = np.column_stack([session.run(["contributions"], {"features": x})[0], np.full(len(x), exported.base)])
    np.testing.assert_allclose(effects.sum(axis=1), expected, atol=1e-5)


def test_additive_terms_are_centred_and_each_depends_on_its_column_alone() -> None:
    x, y = learned_from()
    exported = AdditiveBoosting().fit(x, y, SETTINGS["additive"], SCHEMA).export(x)
    session = open_session(exported.files["model.onnx"], "model@1", WIDTH)
    terms = session.run(["contributions"], {"features": x})[0]
    assert np.abs(terms.mean(axis=0)).max() < 1e-5
    changed = x.copy()
    changed[:, 2] = 5
    others = [0, 1, 3, 4]
    again = session.run(["contributions"], {"features": changed})[0]
    np.testing.assert_array_equal(again[:, others], terms[:, others])
    assert len(np.unique(again[:, 2])) == 1


def test_terms_of_a_mixed_forest_are_refused() -> None:
    x, y = learned_from()
    fitted = Boosting().fit(x, y, SETTINGS["gradient_boosting"], SCHEMA)
    assert isinstance(fitted, FittedTrees)
    with pytest.raises(ValueError, match="two columns"):
        additive_of(fitted.forest, x)


def test_a_model_that_found_nothing_says_the_base_rate() -> None:
    x, y = np.zeros((500, WIDTH), np.float32), np.tile([1.0, 0.0, 0.0, 0.0], 125)
    for candidate in (AdditiveBoosting(), Boosting()):
        fitted = candidate.fit(x, y, SETTINGS[candidate.algorithm], SCHEMA)
        session = open_session(fitted.export(x).files["model.onnx"], "model@1", WIDTH)
        assert session.run(["probability"], {"features": x})[0] == pytest.approx(0.25)


@given(st.floats(-1e38, 1e38), st.floats(-(2.0**126), 2.0**126, width=32))
def test_thresholds_rounded_down_part_the_same_numbers(threshold: float, x: float) -> None:
    rounded = floor32(np.array([threshold]))[0]
    assert rounded == np.float32(rounded)
    assert (x <= threshold) == (x <= rounded)
