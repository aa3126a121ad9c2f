"""The page about the cache says what was measured, and what was measured keeps what is promised."""

import json
from typing import Any

import pytest

from benchmarks.cache_report import told, worth_from
from benchmarks.documents import written_into
from tests.support.deployment import ROOT

RESULT: dict[str, Any] = json.loads((ROOT / "benchmarks" / "cache.json").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs" / "cache.md").read_text(encoding="utf-8")


def test_the_page_shows_the_figures_that_are_kept_beside_the_benchmark() -> None:
    assert told(RESULT) in PAGE
    assert written_into(PAGE, "cache", told(RESULT)) == PAGE


@pytest.mark.parametrize("model", RESULT["models"])
def test_a_hit_is_quicker_than_its_miss_and_twice_as_quick_as_the_naive_way(model: str) -> None:
    times = RESULT["models"][model]
    for where in ("in memory", "on Redis"):
        assert times[f"hit {where}"] <= times[f"miss {where}"]
        assert 2 * times[f"hit {where}"] <= RESULT["naive"]


def test_from_which_share_of_hits_the_cache_pays() -> None:
    times = {"scoring": 20.0, "hit in memory": 10.0, "miss in memory": 30.0}
    assert worth_from(times, "in memory") == 0.5
    assert worth_from({**times, "scoring": 10.0}, "in memory") is None
