"""Copies of one customer are kept together; customers who look alike are not."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modeling import look_alikes
from modeling.twins import find_twins

COLUMNS = 19


def people(rows: int, seed: int = 0, values: int = 9) -> np.ndarray:
    return np.random.default_rng(seed).integers(values, size=(rows, COLUMNS), dtype=np.int32)


def with_copies(rows: int, copies: int, changed: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The first `copies` rows come again at the end, with some cells changed and the same label."""
    random = np.random.default_rng(seed + 1)
    codes = people(rows, seed)
    again = codes[:copies].copy()
    for row in again:
        row[random.choice(COLUMNS, changed, replace=False)] += 100
    left = random.random(rows) < 0.3
    return np.vstack([codes, again]), np.concatenate([left, left[:copies]])


@pytest.mark.parametrize("changed", [0, 1, 3])
@pytest.mark.parametrize("every_pair", [True, False])
def test_copies_share_a_group_and_no_one_else_does(
    monkeypatch: pytest.MonkeyPatch, changed: int, every_pair: bool
) -> None:
    monkeypatch.setattr(look_alikes, "ALL_PAIRS", 10**9 if every_pair else 0)
    codes, left = with_copies(2000, 150, changed)
    found = find_twins(codes, left)
    assert found.found == "300 rows in 150 groups"
    np.testing.assert_array_equal(found.groups[:150], found.groups[2000:])
    assert len(np.unique(found.groups)) == 2000


def test_rows_that_differ_in_more_than_a_fifth_of_the_columns_are_strangers() -> None:
    codes, left = with_copies(2000, 150, 4)
    found = find_twins(codes, left)
    assert found.found == "none"
    assert "no rows equal in 80% of the columns" in found.why
    np.testing.assert_array_equal(found.groups, np.arange(2150))


def test_look_alikes_whose_labels_differ_are_not_joined() -> None:
    codes, left = with_copies(2000, 150, 0)
    left[2000:] = np.random.default_rng(9).random(150) < 0.3
    found = find_twins(codes, left)
    assert found.found == "none"
    assert "150 pairs of rows equal in 80% of the columns" in found.why
    assert len(np.unique(found.groups)) == 2150


def test_copies_among_look_alikes_are_the_pairs_that_share_the_rarest_values() -> None:
    """Most cells are one common value, so that strangers look alike; the copies share the others."""
    random = np.random.default_rng(4)
    codes = np.where(random.random((3000, COLUMNS)) < 0.12, people(3000, values=50), 0).astype(np.int32)
    left = random.random(3000) < 0.3
    together = np.vstack([codes, codes[:300]])
    found = find_twins(together, np.concatenate([left, left[:300]]))
    strangers = int(found.why.split(" pairs")[0].replace(",", ""))
    assert strangers > 5 * 300
    assert (found.groups[:300] == found.groups[3000:]).mean() > 0.5
    assert len(np.unique(found.groups)) > 2900


def test_agreement_that_chance_gives_joins_no_one() -> None:
    """With one leaver in two hundred, any two rows agree in 99 % of the cases."""
    codes, _ = with_copies(4000, 1000, 0)
    left = np.random.default_rng(2).random(5000) < 0.005
    assert find_twins(codes, left).found == "none"


def test_a_crowd_of_equal_rows_is_no_customer() -> None:
    """Three yes/no columns make eight kinds of people, not eight people."""
    codes = people(3000, values=2)[:, :3]
    left = codes[:, 0] == 1
    assert find_twins(codes, left).found == "none"


def test_a_crowd_aside_exact_copies_are_still_found() -> None:
    codes, left = with_copies(3000, 200, 0)
    codes[:, :16] = 1  # so that every two rows are equal in 80 % of the columns
    codes[:, 16:] = np.concatenate([np.arange(3000), np.arange(200)])[:, None]
    found = find_twins(codes, left)
    assert found.found == "400 rows in 200 groups"


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1000), st.integers(0, 3))
def test_the_quick_search_finds_the_pairs_of_the_full_one(seed: int, changed: int) -> None:
    codes, _ = with_copies(300, 40, changed, seed)
    full = np.unique(np.concatenate(list(look_alikes.every_pair(codes, 16))), axis=0)
    quick = np.unique(np.concatenate(list(look_alikes.likely_pairs(codes, 16))), axis=0)
    np.testing.assert_array_equal(quick, full)


def test_seven_thousand_rows_take_a_second_or_two() -> None:
    codes = people(7000, values=3)
    left = np.random.default_rng(0).random(7000) < 0.3
    start = time.perf_counter()
    find_twins(codes, left)
    assert time.perf_counter() - start < 6


def test_more_columns_than_a_byte_counts_make_no_difference() -> None:
    wide = np.random.default_rng(0).integers(9, size=(200, 300), dtype=np.int32)
    left = np.arange(220) % 3 == 0
    left[200:] = left[:20]
    found = find_twins(np.vstack([wide, wide[:20]]), left)
    assert found.found == "40 rows in 20 groups"
