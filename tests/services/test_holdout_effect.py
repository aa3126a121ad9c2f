"""What a call is expected to save: nothing, until a whole month of the permanent holdout says so."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event

from helpers.clock import Clock
from services.config.model import LiveConfig
from services.holdout_effect import BEING_READ, REMEMBERED, Effect, HoldoutEffect
from services.readout.facts import newest_matured
from services.readout.kept import Readings
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


def made(engine: Engine, clock: Clock) -> HoldoutEffect:
    return HoldoutEffect(engine, clock, Readings(engine, clock))


def current(engine: Engine, config: LiveConfig = CONFIG) -> Effect:
    return made(engine, StandingClock(NOW)).current(config)


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
    effect = made(engine, clock)
    assert effect.current(CONFIG).reduction is None
    meet(engine, (4_000, 400), (1_000, 200))
    assert effect.current(CONFIG).reduction is None
    if reason == "later":
        clock.move(REMEMBERED)
    assert effect.current(CONFIG if reason == "later" else LiveConfig(holdout_percentage=21)).reduction


@contextmanager
def meanwhile(engine: Engine, ask: Callable[[], Effect]) -> Iterator[list[Effect]]:
    """Has another thread ask while the database is being asked, and keeps what it was told."""
    told: list[Effect] = []

    def interrupt(*_: Any) -> None:
        told.append(pool.submit(ask).result(timeout=5))

    with ThreadPoolExecutor(1) as pool:
        event.listen(engine, "before_cursor_execute", interrupt)
        yield told
        event.remove(engine, "before_cursor_execute", interrupt)


def test_nobody_waits_for_a_reading_of_another(engine: Engine) -> None:
    meet(engine, (4_000, 400), (1_000, 200))
    clock = StandingClock(NOW)
    effect = made(engine, clock)
    with meanwhile(engine, lambda: effect.current(CONFIG)) as told:
        first = effect.current(CONFIG)
    assert first.reduction is not None
    assert set(told) == {BEING_READ}
    clock.move(REMEMBERED)
    with meanwhile(engine, lambda: effect.current(CONFIG)) as told:
        assert effect.current(CONFIG) == first
    assert set(told) == {first}


def test_a_reading_that_fails_is_tried_again(engine: Engine) -> None:
    effect = made(engine, StandingClock(NOW))
    event.listen(engine, "before_cursor_execute", lambda *_: 1 // 0, once=True)
    with pytest.raises(ZeroDivisionError):
        effect.current(CONFIG)
    assert effect.current(CONFIG) != BEING_READ


def test_neither_scores_nor_rows_of_the_ledger_are_read(engine: Engine) -> None:
    meet(engine, (4_000, 400), (1_000, 200))
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    current(engine)
    assert asked
    assert not any("model_logs" in statement or "exposure_scores" in statement for statement in asked)
