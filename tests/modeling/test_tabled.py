"""A look-up says the same as the walk through the trees."""

from typing import Any

import lightgbm
import numpy as np
import pytest

from modeling.candidates.catboost import CatBoost
from modeling.candidates.trees import FittedTrees
from modeling.explain import TreeExplainer
from modeling.forest import Forest, Tree
from modeling.lightgbm_trees import forest_of_text
from modeling.tabled import TabledExplainer, may_be_tabled
from modeling.tree_text import tree_text
from tests.modeling.test_exports import SCHEMA, WIDTH, learned_from, met_later

NOTHING = np.zeros(0, np.int64)
CONSTANT = Tree(
    NOTHING, np.zeros(0), np.zeros(0, np.bool_), NOTHING, NOTHING, np.array([0.25]), np.ones(1), np.zeros(0)
)


def of_lightgbm(leaves: int, *, gaps: bool, **settings: Any) -> Forest:
    x, y = learned_from(gaps=gaps)
    chosen = {"objective": "binary", "verbose": -1, "num_leaves": leaves, **settings}
    return forest_of_text(lightgbm.train(chosen, lightgbm.Dataset(x, y), 80).model_to_string(), WIDTH)


def of_catboost(depth: int) -> Forest:
    x, y = learned_from()
    fitted = CatBoost().fit(x, y, {"learning_rate": 0.1, "depth": depth, "l2_leaf_reg": 3.0, "trees": 60}, SCHEMA)
    return fitted.forest if isinstance(fitted, FittedTrees) else pytest.fail("not a forest")


def assert_same(forest: Forest) -> None:
    rows = met_later(learned_from()[0])
    tabled, walked = TabledExplainer(forest), TreeExplainer(tree_text(forest), WIDTH)
    expected = walked.explain_many(rows)
    np.testing.assert_allclose(tabled.explain_many(rows), expected, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(tabled.explain(rows[3]), tabled.explain_many(rows[3:4])[0])
    assert np.abs(expected[:, :-1]).max() > 0.1


@pytest.mark.parametrize("gaps", [True, False])
@pytest.mark.parametrize("leaves", [2, 6, 7])
def test_of_lightgbms_trees(leaves: int, gaps: bool) -> None:
    assert_same(of_lightgbm(leaves, gaps=gaps))


def test_of_trees_that_ask_much_about_few_features() -> None:
    assert_same(of_lightgbm(7, gaps=True, feature_fraction=0.2, min_data_in_leaf=3))


@pytest.mark.parametrize("depth", [1, 4, 6])
def test_of_catboosts_trees(depth: int) -> None:
    assert_same(of_catboost(depth))


def test_of_a_forest_with_a_bias_and_a_tree_that_asks_nothing() -> None:
    forest = of_lightgbm(4, gaps=True).scaled(0.7, -0.4)
    assert_same(Forest((CONSTANT, *forest.trees, CONSTANT), WIDTH, forest.bias))


def test_trees_that_ask_too_much_are_walked() -> None:
    assert may_be_tabled(of_lightgbm(7, gaps=True))
    assert not may_be_tabled(of_lightgbm(12, gaps=True))
    assert not may_be_tabled(Forest((CONSTANT,), WIDTH))
