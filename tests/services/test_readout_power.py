"""How long an experiment still takes, from clients whose coming and maturing is known."""

from datetime import UTC, datetime, timedelta

import pytest

from data.readout_store import Part, Served, early_outcomes
from experiments.statistics import ALPHA, clients_needed, power
from services.readout.arms import arms_of
from services.readout.figures import Figures
from services.readout.parts import ExperimentFacts, PowerReadout
from services.readout.power import power_readout

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TODAY = (NOW - datetime(1970, 1, 1, tzinfo=UTC)).days
MATURITY_DAYS = 30
HALVES = {"champion": 0.5, "challenger": 0.5}


def came(arm: str, days_ago: int, clients: int, *, churned: int = 0) -> list[Part]:
    """Clients of one day; those of the maturity days have not matured."""
    closed = days_ago > MATURITY_DAYS
    served, day = Served(arm, "m@1"), TODAY - days_ago
    known = [(churned, True), (clients - churned, None)] if closed else [(clients, None)]
    return [Part(served, day, closed, left, number, 0, 0.0, 0.0) for number, left in known if number]


def told(
    parts: list[Part], arms: dict[str, float] | None = None, *, effect: float = 0.02, arriving: bool = True
) -> PowerReadout:
    first = min((part.day for part in parts), default=TODAY)
    figures = Figures(NOW - timedelta(days=TODAY - first), parts, early_outcomes(parts), (), {}, {}, 0, 0)
    found = arms_of(ExperimentFacts("x", HALVES if arms is None else arms), figures)
    return power_readout(found, figures, effect, NOW, MATURITY_DAYS, arriving)


def both(days_ago: int, clients: int, churned: int = 0) -> list[Part]:
    return came("champion", days_ago, clients, churned=churned) + came("challenger", days_ago, clients, churned=churned)


def test_clients_that_are_missing_come_and_mature() -> None:
    """1,000 matured, and 100 a day lately: what is missing comes at that pace, the last of it matures 30 days on."""
    parts = both(40, 500, 50) + [part for day in range(1, 8) for part in both(day, 50)]
    needed = clients_needed(0.1, -0.02, (0.5, 0.5))
    found = told(parts)
    assert (found.clients, found.clients_needed, found.clients_per_day) == (1_000, needed, 100.0)
    assert found.days_needed == -(-(needed - 1_700) // 100) + MATURITY_DAYS
    assert found.power == pytest.approx(power(0.1, -0.02, 1_000, (0.5, 0.5)))
    assert found.arm == "challenger"
    assert f"{needed:,} clients must have matured; 1,000 have" in found.sentence
    assert "about 100 new ones come a day" in found.sentence


def test_clients_who_came_already_mature_by_the_day() -> None:
    parts = both(40, 1_000, 100) + both(10, 20_000)
    assert told(parts).days_needed == 21  # the end of day 30 after the day, and NOW is noon


def test_the_last_client_needed_may_be_the_last_of_a_day() -> None:
    missing = clients_needed(0.1, -0.02, (0.5, 0.5)) - 1_000
    parts = both(40, 500, 50) + came("champion", 10, missing) + came("champion", 5, 100)
    assert told(parts).days_needed == 21
    assert told(both(40, 500, 50) + came("champion", 10, missing - 1) + came("champion", 5, 100)).days_needed == 26


def test_an_experiment_with_enough_clients_needs_no_day() -> None:
    found = told(both(40, 40_000, 4_000))
    assert found.days_needed == 0
    assert found.power is not None
    assert found.power > 0.99
    assert found.sentence.endswith("it is found with a probability above 99.9%.")


@pytest.mark.parametrize(("arriving", "why"), [(False, "no more will come"), (True, "none come lately")])
def test_without_new_clients_there_is_no_end(arriving: bool, why: str) -> None:
    found = told(both(40, 500, 50), arriving=arriving)
    assert (found.days_needed, found.clients_per_day) == (None, 0.0)
    assert why in found.sentence


def test_a_young_experiment_goes_by_its_whole_time() -> None:
    parts = both(2, 30) + both(1, 30) + both(0, 30)
    assert told(parts).clients_needed is None
    early = [Part(Served("champion", "m@1"), TODAY - 2, False, left, 500, 0, 0.0, 0.0) for left in (True, False)]
    known = told(parts + early)
    assert known.clients_per_day == pytest.approx((180 + 1_000) / 2, abs=0.1)


def test_a_first_day_counts_whole() -> None:
    early = [Part(Served("champion", "m@1"), TODAY, False, left, 500, 0, 0.0, 0.0) for left in (True, False)]
    assert told(early).clients_per_day == 1_000


def test_the_arm_that_needs_most_is_told() -> None:
    shares = {"champion": 0.6, "a@1": 0.35, "b@1": 0.05}
    parts = [part for arm in shares for part in came(arm, 40, 500, churned=50)]
    found = told(parts, shares)
    assert (found.arm, found.clients_needed) == ("b@1", clients_needed(0.1, -0.02, (0.05, 0.6), ALPHA / 2))


def test_the_rate_is_that_of_all_treated_while_the_control_has_too_few() -> None:
    parts = came("champion", 40, 50, churned=5) + came("challenger", 40, 450, churned=45) + came("holdout", 40, 500)
    assert told(parts).clients_needed == clients_needed(0.1, -0.02, (0.5, 0.5))


def test_an_effect_larger_than_the_rate_can_only_be_a_rise() -> None:
    assert told(both(40, 2_000, 20), effect=0.05).clients_needed == clients_needed(0.01, 0.05, (0.5, 0.5))


def test_where_shares_are_not_known_those_seen_are_taken() -> None:
    parts = came("champion", 40, 900, churned=90) + came("challenger", 40, 300, churned=30)
    assert told(parts, {}).clients_needed == clients_needed(0.1, -0.02, (300, 900))


def test_too_few_clients_tell_nothing() -> None:
    found = told(both(40, 20))
    assert (found.arm, found.power, found.clients_needed, found.days_needed) == (None, None, None, None)
    assert "too few clients have matured" in found.sentence
    assert told(came("champion", 40, 500, churned=50), {"champion": 1.0}).sentence == "There is nothing to compare."
