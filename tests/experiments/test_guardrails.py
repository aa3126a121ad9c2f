"""Guardrails speak of harm, not of chance, and not before there is enough to speak of."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from experiments.guardrails import Breach, Conduct, Limits, breaches, brier_breach, overlap_breach
from experiments.statistics import Tally

LIMITS = Limits(errors=0.01, latency=2.0, high_risk=0.15, score_shift=0.25, overlap=0.3, brier=0.01, minimum=200)
RNG = np.random.default_rng(7)


def conduct(
    name: str = "new@2",
    n: int = 1_000,
    *,
    failures: int = 0,
    seconds: float = 0.02,
    centre: float = 0.3,
    high: float = 0.3,
) -> Conduct:
    """Beta-distributed scores around `centre`, gamma-distributed times around `seconds`."""
    times = RNG.gamma(4, seconds / 4, n).tolist()
    scores = RNG.beta(6 * centre, 6 * (1 - centre), n).tolist()
    return Conduct(name, n + failures, failures, times, scores, round(n * high))


def rules(found: Sequence[Breach]) -> list[str]:
    return [breach.rule for breach in found]


CHAMPION = conduct("old@1", 4_000)


@pytest.mark.parametrize(
    ("harm", "rule", "said"),
    [
        ({"failures": 60}, "errors", "new@2 fails for 5.66 % of 1,060 clients, the champion for 0 %"),
        ({"seconds": 0.2}, "latency", "one answer in 20 takes"),
        ({"high": 0.8}, "high_risk", "new@2 puts 80 % of its clients at high risk, the champion 30 %"),
        ({"high": 0.0}, "high_risk", "puts 0 %"),
        ({"centre": 0.7}, "score_shift", "distributed unlike the champion's: a stability index of"),
    ],
)
def test_each_harm_breaks_its_rule_and_no_other(harm: dict[str, float], rule: str, said: str) -> None:
    (breach,) = breaches(LIMITS, conduct(**harm), CHAMPION)  # type: ignore[arg-type]
    assert breach.rule == rule
    assert said in breach.sentence
    assert breach.limit == getattr(LIMITS, rule)


def test_one_that_always_fails_is_found_among_its_first_clients() -> None:
    nothing = Conduct("new@2", 20, 20, (), (), 0)
    assert rules(breaches(LIMITS, nothing, CHAMPION)) == ["errors"]
    silent = Conduct("old@1", 0, 0, (), (), 0)
    assert rules(breaches(LIMITS, nothing, silent)) == ["errors"]
    assert breaches(LIMITS, replace(nothing, attempts=19, failures=19), CHAMPION) == []


def test_what_the_champion_does_too_is_no_breach() -> None:
    bad = {"seconds": 0.5, "centre": 0.7, "high": 0.8}
    champion = conduct("old@1", 4_000, failures=400, **bad)
    assert breaches(LIMITS, conduct(failures=100, **bad), champion) == []  # type: ignore[arg-type]


def test_below_the_minimum_nothing_but_errors_is_said() -> None:
    few = conduct(n=199, seconds=1.0, centre=0.9, high=1.0)
    assert breaches(LIMITS, few, CHAMPION) == []
    assert breaches(LIMITS, CHAMPION, few) == []


def test_a_rule_without_a_limit_is_silent() -> None:
    off = Limits(None, None, None, None, None, None, 20)
    bad = conduct(failures=500, seconds=1.0, centre=0.9, high=1.0)
    assert breaches(off, bad, CHAMPION) == []
    assert overlap_breach(off, "new@2", [0.0] * 500, np.linspace(0, 1, 500).tolist()) is None
    assert brier_breach(off, "new@2", Tally(1_000, 500, 400), Tally(1_000, 50, 10)) is None


def test_a_few_milliseconds_more_are_no_harm() -> None:
    assert breaches(LIMITS, conduct(seconds=0.006), conduct("old@1", 4_000, seconds=0.001)) == []


def test_a_shadow_that_finds_others_riskiest_is_found_out() -> None:
    shown = RNG.uniform(size=2_000)
    assert overlap_breach(LIMITS, "new@2", (shown + RNG.normal(0, 0.05, 2_000)).tolist(), shown.tolist()) is None
    found = overlap_breach(LIMITS, "new@2", (1 - shown).tolist(), shown.tolist())
    assert found is not None
    assert (found.rule, found.measured, found.limit) == ("overlap", 0.0, 0.3)
    assert found.sentence.startswith("new@2 finds 0 % of the champion's riskiest tenth; 30 % are expected")
    assert overlap_breach(LIMITS, "new@2", (1 - shown[:199]).tolist(), shown[:199].tolist()) is None


def test_a_shadow_of_few_distinct_scores_is_given_the_benefit_of_ties() -> None:
    shown = RNG.uniform(size=2_000)
    assert overlap_breach(LIMITS, "rule@1", [0.5] * 2_000, shown.tolist()) is None


def test_worse_scores_of_matured_clients_are_found_out() -> None:
    def squares(mean: float, n: int = 2_000) -> Tally:
        each = RNG.beta(2, 2 / mean - 2, n)
        return Tally(n, float(each.sum()), float((each**2).sum()))

    usual = squares(0.1)
    assert brier_breach(LIMITS, "new@2", squares(0.1), usual) is None
    assert brier_breach(LIMITS, "new@2", squares(0.3, 199), usual) is None
    found = brier_breach(LIMITS, "new@2", squares(0.2), usual)
    assert found is not None
    assert found.rule == "brier"
    assert "The Brier score of new@2 is 0.2" in found.sentence


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_a_challenger_like_the_champion_is_left_alone_however_often_one_looks(share: float) -> None:
    """Looks at growing numbers of clients, as minute after minute; 25 challengers, and none is paused."""
    paused = 0
    for _ in range(25):
        everyone = conduct("old@1", 12_000, failures=60)
        is_new = RNG.uniform(size=12_000) < share
        high = RNG.uniform(size=12_000) < 0.3
        failed = RNG.uniform(size=12_000) < 0.005
        looks = np.unique(np.geomspace(400, 12_000, 25).astype(int))
        paused += any(breaches(LIMITS, *_arms(everyone, is_new, high, failed, int(look))) for look in looks)
    assert paused == 0


def _arms(everyone: Conduct, is_new: np.ndarray, high: np.ndarray, failed: np.ndarray, until: int) -> list[Conduct]:
    found = []
    for of in (is_new[:until], ~is_new[:until]):
        seconds, scores = (np.asarray(each)[:until][of].tolist() for each in (everyone.seconds, everyone.scores))
        failures = int(failed[:until][of].sum())
        found.append(Conduct("x@1", int(of.sum()), failures, seconds, scores, int(high[:until][of].sum())))
    return found
