"""The simulation knows its truth, and says no when a readout misses it."""

from typing import Any

import numpy as np
import pytest

from benchmarks.loop import SEEDS, SHARES, judged, summed_up
from benchmarks.loop_report import picture, told
from benchmarks.playing import Played
from benchmarks.population import Policy, Truth, population, truth
from modeling.registry import ModelRegistry
from tests.support.models import Trained

KNOWN = Truth({"champion": 0.2, "challenger": 0.15}, 12.0)


def played(**changes: Any) -> Played:
    """A readout as it should be, but for `changes`."""
    arms: list[dict[str, Any]] = [
        {"arm": "champion", "matured": 100, "churned": 20, "difference": None},
        {"arm": "challenger", "matured": 100, "churned": 15, "difference": interval(-0.05)},
        {"arm": "holdout", "matured": 50, "churned": 12, "difference": None},
    ]
    readout = {"arms": arms, "money": {"per_client": interval(12)}, "mismatch": {"alarm": False}, "verdict": ""}
    clients, churned = ({arm["arm"]: arm[name] for arm in arms} for name in ("matured", "churned"))
    return Played({**readout, "winner": "challenger", **changes}, {}, clients, churned, {})


def interval(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 1, "high": value + 1}


def test_a_readout_that_finds_the_truth_is_right() -> None:
    row = judged(played(), KNOWN, "challenger")
    assert row["right"]
    assert row["difference"]["truth"] == -0.05
    assert row["difference"]["covered"]
    assert row["saved_per_client"]["covered"]


@pytest.mark.parametrize(
    "change",
    [
        {"winner": "champion"},
        {"winner": None},
        {"mismatch": {"alarm": True}},
        {"arms": [{**arm, "churned": arm["churned"] + 1} for arm in played().readout["arms"]]},
        {"arms": played().readout["arms"][:2]},
    ],
)
def test_a_wrong_winner_an_alarm_and_a_wrong_count_are_not(change: dict[str, Any]) -> None:
    assert not judged(played(**change), KNOWN, "challenger")["right"]


MONTH = judged(played(), KNOWN, None)["saved_per_client"]


def trials(**changes: Any) -> list[dict[str, Any]]:
    row = judged(played(), KNOWN, "challenger")
    rows = [{**row, "scenario": scenario, "seed": seed} for scenario, seeds in SEEDS.items() for seed in seeds]
    return [{**rows[0], **changes}, *rows[1:]]


def test_one_interval_may_miss_and_nothing_else() -> None:
    assert summed_up(trials(), MONTH)["holds"]
    assert not summed_up(trials(right=False), MONTH)["holds"]
    missed = judged(played(), Truth(KNOWN.rates, 99.0), "challenger")["saved_per_client"]
    assert summed_up(trials(saved_per_client=missed), MONTH)["holds"]
    assert not summed_up([*trials(saved_per_client=missed)[:1] * 2, *trials()[2:]], MONTH)["holds"]
    assert not summed_up(trials(), missed)["holds"]


def test_table_and_picture_show_what_was_missed() -> None:
    missed = judged(played(), Truth(KNOWN.rates, 99.0), "challenger")["saved_per_client"]
    rows = trials(saved_per_client=missed)
    lines = told(rows, MONTH, summed_up(rows, MONTH)).splitlines()
    assert [line.split()[-5:] for line in lines if line.endswith("NO")] == [["99.00", "12.00", "11.00", "13.00", "NO"]]
    assert lines[-1].endswith("9 of 10 intervals cover the truth")
    assert picture(rows).startswith(b"<?xml")


def test_the_truth_is_what_the_policies_do_to_the_chances(trained: Trained) -> None:
    clients = population(trained.schema, 2_000, 3)
    model = ModelRegistry(trained.models_dir).load("additive@1")
    nobody, all_of_them = Policy(model, 2.0, 0.5), Policy(model, 0.0, 0.5)
    known = truth(clients, {"champion": nobody, "challenger": all_of_them}, SHARES)
    assert known.rates == pytest.approx({"champion": 0.2, "challenger": 0.1})
    assert known.saved_per_client == pytest.approx((clients.values * clients.chances).mean() / 4)
    some = Policy(model, 0.25, 0.5).chances(clients)
    assert 0 < np.mean(some < clients.chances) < 1
    assert clients.chances[some < clients.chances].mean() > clients.chances.mean() + 0.05
