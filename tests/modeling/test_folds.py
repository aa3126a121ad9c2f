"""Folds keep twins together, stay even, and are the same for the same seed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeling.dataset import Dataset
from modeling.folds import assign_folds
from modeling.parts import Table, parts, search_parts
from tests.support.models import Trained


@pytest.mark.parametrize("seed", [0, 1])
def test_customers_without_twins_are_dealt_evenly(seed: int) -> None:
    y = (np.random.default_rng(5).random(1003) < 0.2).astype(float)
    folds = assign_folds(y, np.arange(1003), 5, seed)
    assert np.ptp(np.bincount(folds)) <= 2
    assert np.ptp(np.bincount(folds, weights=y)) <= 1


def test_the_seed_decides() -> None:
    y, groups = np.tile([1.0, 0.0], 100), np.arange(200)
    assert (assign_folds(y, groups, 5, 0) == assign_folds(y, groups, 5, 0)).all()
    assert (assign_folds(y, groups, 5, 0) != assign_folds(y, groups, 5, 1)).any()


@given(st.lists(st.tuples(st.integers(0, 40), st.booleans()), min_size=30, max_size=200), st.integers(2, 5))
def test_no_group_is_ever_torn(rows: list[tuple[int, bool]], count: int) -> None:
    groups = np.array([group for group, _ in rows])
    folds = assign_folds(np.array([float(left) for _, left in rows]), groups, count, 0)
    for group in np.unique(groups):
        assert len(set(folds[groups == group].tolist())) == 1
    assert set(folds.tolist()) <= set(range(count))


def test_large_groups_do_not_unbalance_the_folds() -> None:
    groups = np.concatenate([np.repeat(np.arange(10), 30), np.arange(10, 700)])
    y = (np.random.default_rng(1).random(len(groups)) < 0.3).astype(float)
    assert np.ptp(np.bincount(assign_folds(y, groups, 5, 0))) <= 30


def table_of(dataset: Dataset) -> Table:
    return Table(dataset.x, dataset.y.astype(float), dataset.groups, dataset.schema)


def test_the_codes_of_a_fold_never_tell_about_its_labels(trained: Trained) -> None:
    table = table_of(trained.dataset)
    folds = assign_folds(table.y, table.groups, 2, 0)
    turned = Table(table.x, np.where(folds == 0, 1 - table.y, table.y), table.groups, table.schema)
    first, other = next(parts(table, folds)), next(parts(turned, folds))
    np.testing.assert_array_equal(first.check_x, other.check_x)
    assert first.schema == other.schema
    assert (first.check_y != other.check_y).all()


def test_the_search_takes_whole_groups_of_a_large_table(trained: Trained) -> None:
    table = table_of(trained.dataset)
    twins = Table(table.x, table.y, np.arange(len(table)) // 2, table.schema)
    found = search_parts(twins, folds=2, most_rows=500, seed=0)
    assert [len(part.learn_y) + len(part.check_y) for part in found] == [500, 500]
