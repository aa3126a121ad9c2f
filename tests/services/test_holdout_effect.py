"""What a call is expected to save: nothing, until a whole month of the permanent holdout says so."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from services.config.model import LiveConfig
from services.holdout_effect import REMEMBERED, Effect, HoldoutEffect, newest_matured
from tests.support.clock import StandingClock
from tests.support.exposed import Group, configure_at, expose

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SEPTEMBER = datetime(2026, 9, 1, tzinfo=UTC)
CONFIG = LiveConfig(holdout_percentage=20)
MODEL = "additive@1"


def meet(engine: Engine, treated: tuple[int, int], held: tuple[int, int], month: str = "2026-09") -> None:
    """So many matured clients of each side, and how many of them left, in the middle of the month."""
    groups = [Group("treated", MODEL, *treated), Group("holdout", MODEL, *held)]
    start = SEPTEMBER + timedelta(days=5)
    expose(engine, f"holdout/{month}", groups, start, start + timedelta(days=50))


def current(engine: Engine, config: LiveConfig = CONFIG) -> Effect:
    return HoldoutEffect(engine, StandingClock(NOW)).current(config)


def test_a_decided_month_gives_the_part_of_the_leavers_that_is_kept(engine: Engine) -> None:
    meet(engine, (4_000, 400), (1_000, 200))
    found = current(engine)
    assert found.reduction == pytest.approx(0.5)
    assert "September 2026" in found.sentence
    assert "50% less often" in found.sentence
    assert (found.saving(100.0), found.saving(33.333), found.saving(None)) == (50.0, 16.67, None)


@pytest.mark.parametrize(
    ("treated", "held", "words"),
    [
        ((4_000, 760), (1_000, 200), "does not show"),
        ((4_000, 800), (1_000, 100), "more often"),
        ((4_000, 400), (60, 12), "too few"),
        ((60, 12), (1_000, 200), "too few"),
        ((4_000, 400), (0, 0), "nobody was in the holdout in September 2026; set holdout_percentage"),
    ],
)
def test_anything_less_gives_none_and_says_why(
    engine: Engine, treated: tuple[int, int], held: tuple[int, int], words: str
) -> None:
    meet(engine, treated, held)
    found = current(engine)
    assert (found.reduction, found.saving(100.0)) == (None, None)
    assert words in found.sentence


def test_a_holdout_of_the_wrong_size_is_not_believed(engine: Engine) -> None:
    configure_at(engine, SEPTEMBER - timedelta(days=9), holdout_percentage="50")
    meet(engine, (4_000, 400), (1_000, 200))
    assert current(engine).reduction is None
    assert "not of the size" in current(engine).sentence


def test_a_month_that_has_not_matured_is_not_looked_at(engine: Engine) -> None:
    meet(engine, (4_000, 400), (1_000, 200), "2026-10")
    assert "matured yet" in current(engine).sentence
    assert "holdout_percentage" not in current(engine).sentence
    assert "set holdout_percentage" in current(engine, LiveConfig()).sentence


@pytest.mark.parametrize(
    ("now", "days", "month"),
    [
        (datetime(2026, 11, 22, tzinfo=UTC), 30, datetime(2026, 9, 1, tzinfo=UTC)),
        (datetime(2026, 10, 31, tzinfo=UTC), 30, datetime(2026, 9, 1, tzinfo=UTC)),
        (datetime(2026, 10, 30, 23, 59, tzinfo=UTC), 30, datetime(2026, 8, 1, tzinfo=UTC)),
        (datetime(2026, 1, 2, tzinfo=UTC), 1, datetime(2025, 12, 1, tzinfo=UTC)),
    ],
)
def test_a_month_has_matured_when_its_last_client_has(now: datetime, days: int, month: datetime) -> None:
    assert newest_matured(now, days) == month


@pytest.mark.parametrize("reason", ["later", "another config"])
def test_it_is_remembered_for_five_minutes_under_one_config(engine: Engine, reason: str) -> None:
    clock = StandingClock(NOW)
    effect = HoldoutEffect(engine, clock)
    assert effect.current(CONFIG).reduction is None
    meet(engine, (4_000, 400), (1_000, 200))
    assert effect.current(CONFIG).reduction is None
    if reason == "later":
        clock.move(REMEMBERED)
    assert effect.current(CONFIG if reason == "later" else LiveConfig(holdout_percentage=21)).reduction
