"""The page about speed says what was measured, and figures are held against targets as they are meant."""

import json
from typing import Any

import pytest

from benchmarks.documents import written_into
from benchmarks.load import Round
from benchmarks.speed.cases import CASES, EVERYTHING, FLOOR, FULL, LARGE
from benchmarks.speed.customers import batches
from benchmarks.speed.picture import picture
from benchmarks.speed.report import told
from benchmarks.speed.rounds import medians
from benchmarks.speed.targets import Target, ratios, targets
from services.config.model import LiveConfig
from tests.support.deployment import ROOT

KEPT = ROOT / "benchmarks" / "speed"
RESULT: dict[str, Any] = json.loads((KEPT / "speed.json").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs" / "speed.md").read_text(encoding="utf-8")


def test_page_and_picture_show_the_figures_that_are_kept_beside_the_benchmark() -> None:
    assert written_into(PAGE, "speed", told(RESULT)) == PAGE
    assert (KEPT / "speed.svg").read_bytes() == picture(RESULT)


def test_every_case_was_measured() -> None:
    assert list(RESULT["medians"]) == list(CASES)


@pytest.mark.parametrize("name", CASES)
def test_every_case_is_a_configuration(name: str) -> None:
    changes = CASES[name].changes
    assert set(changes) <= set(EVERYTHING)
    config = LiveConfig.model_validate({**EVERYTHING, **changes})
    assert all(getattr(config, key) != getattr(LiveConfig.model_validate(EVERYTHING), key) for key in changes)


def test_the_median_of_each_figure_is_taken_on_its_own() -> None:
    rounds = [Round(10, 1, 9, 100, 90, 0), Round(30, 3, 7, 300, 60, 0), Round(20, 2, 8, 200, 70, 0)]
    found = medians({FULL: rounds, LARGE: rounds})
    assert found[FULL] == {
        "requests_per_second": 20,
        "p50_ms": 2,
        "p99_ms": 8,
        "cpu_us": 200,
        "cpu_us_meanwhile": 70,
    }
    assert found[LARGE]["rows_per_second"] == 20_000


def test_ratios_are_multiples_of_the_floor() -> None:
    floor = {"requests_per_second": 4_000.0, "p50_ms": 4.0, "p99_ms": 10.0, "cpu_us": 200.0}
    full = {"requests_per_second": 1_000.0, "p50_ms": 8.0, "p99_ms": 50.0, "cpu_us": 300.0}
    expected = {"requests_per_second": 0.25, "p50_ms": 2.0, "p99_ms": 5.0, "cpu_us": 1.5}
    assert ratios({FLOOR: floor, FULL: full})[FULL] == expected


def test_a_target_is_met_at_its_limit_and_on_the_right_side() -> None:
    assert Target("rate", 0.55, 0.55, least=True).met
    assert not Target("rate", 0.549, 0.55, least=True).met
    assert Target("CPU", 1.8, 1.8).met
    assert not Target("CPU", 1.801, 1.8).met


def worse(*path: str | int, factor: float) -> dict[str, Any]:
    """The kept result with one figure changed to miss its target."""
    result: dict[str, Any] = json.loads(json.dumps(RESULT))
    *way, last = path
    place: Any = result
    for step in way:
        place = place[step]
    place[last] *= factor
    return result


@pytest.mark.parametrize(
    ("place", "path", "factor"),
    [
        (0, ("medians", FULL, "requests_per_second"), 0.001),
        (1, ("medians", FULL, "cpu_us"), 1_000),
        (2, ("medians", FULL, "p99_ms"), 1_000),
        (3, ("medians", LARGE, "rows_per_second"), 0.001),
        (4, ("models", "heuristic@1", "score_us"), 1_000),
        (5, ("models", "heuristic@1", "reasons_us"), 1_000),
        (6, ("memory", 2, "uss_mb"), 1_000),
        (7, ("start", "seconds"), 1_000),
    ],
)
def test_a_figure_out_of_bounds_misses_its_own_target_and_says_so(
    place: int, path: tuple[str | int, ...], factor: float
) -> None:
    result = worse(*path, factor=factor)
    assert [a.met for a in targets(result)] == [b.met and at != place for at, b in enumerate(targets(RESULT))]
    assert told(result).splitlines()[2 + place].endswith("| NO |")


def test_batches_are_full_and_number_their_customers() -> None:
    made = batches([{"client_id": f"c-{number}"} for number in range(7)], 3)
    assert [[row["client_id"] for row in each["instances"]] for each in made] == [
        ["c-0", "c-1", "c-2"],
        ["c-3", "c-4", "c-5"],
    ]
    assert [row["key"] for each in made for row in each["instances"]] == list(range(6))
