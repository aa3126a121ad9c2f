"""Pages show readings that are kept: of large experiments, with their time, made anew when they are old."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, update

from data.tables import readings
from services.config.model import LiveConfig
from services.readout.kept import FRESH, Readings
from services.readout.reading import UnknownExperiment, months, read
from tests.support.clock import StandingClock
from tests.support.exposed import Group, configure_at, expose

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
START = NOW - timedelta(days=60)
CONFIG = LiveConfig(holdout_percentage=20)
NAME, MONTH = "autumn", "holdout/2026-09"
ALIASES = {"champion": "additive@1", "challenger": "boosting@1"}
OTHER = {"name": "x", "salt": "x", "arms": {"champion": 1}}
SIDES = (Group("treated", "additive@1", 400, 40), Group("holdout", "additive@1", 100, 20))
ARMS = (Group("champion", "additive@1", 300, 60, 20, "third@1"), Group("challenger", "boosting@1", 300, 30))


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock(NOW)


@pytest.fixture
def kept(engine: Engine, clock: StandingClock) -> Readings:
    """Of an experiment that is larger than what is counted at once."""
    arms = {"champion": 0.5, "challenger": 0.5}
    configure_at(engine, START, experiment={"name": NAME, "salt": "s", "arms": arms}, aliases=ALIASES)
    expose(engine, NAME, ARMS, START, NOW)
    expose(
        engine, MONTH, (Group("treated", "additive@1", 400, 40), Group("holdout", "additive@1", 100, 20)), START, NOW
    )
    return Readings(engine, clock, few_clients=100)


def leave(engine: Engine) -> None:
    """More clients come, so that a new reading is another one."""
    expose(engine, NAME, [Group("late", "additive@1", 10, 1)], START, NOW)


def statements(engine: Engine) -> list[str]:
    sent: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *given: sent.append(given[2]))
    return sent


def test_what_is_kept_is_the_readout_to_the_last_bit(kept: Readings, engine: Engine, clock: StandingClock) -> None:
    whole = kept.counted(kept.readout(CONFIG, NAME))
    found = kept.kept(kept.readout(CONFIG, NAME))
    assert found == whole
    assert found.found == read(engine, clock, CONFIG, NAME)
    saved = kept.counted(kept.savings(CONFIG))
    assert kept.kept(kept.savings(CONFIG)) == saved
    assert saved.found == months(engine, clock, CONFIG)
    assert saved.found.months


def test_what_is_large_is_not_counted_for_a_page(kept: Readings, engine: Engine, clock: StandingClock) -> None:
    assert kept.at_once(kept.readout(CONFIG, NAME)) is None
    first = kept.counted(kept.readout(CONFIG, NAME))
    leave(engine)
    clock.move(FRESH)
    subject, sent = kept.readout(CONFIG, NAME), statements(engine)
    found = kept.at_once(subject)
    assert found == first
    assert found.is_old(clock.now())
    assert not any("outcomes" in each for each in sent)


@pytest.mark.parametrize("clients", [630, 629])
def test_what_is_small_is_counted_at_once(kept: Readings, engine: Engine, clock: StandingClock, clients: int) -> None:
    leave(engine)
    small = Readings(engine, clock, few_clients=clients)
    found = small.at_once(small.readout(CONFIG, NAME))
    assert (found is not None) == (clients == 630)
    assert kept.kept(kept.readout(CONFIG, NAME)) is None


def test_the_months_are_large_together(kept: Readings, engine: Engine, clock: StandingClock) -> None:
    expose(engine, "holdout/2026-10", [Group("treated", "additive@1", 200, 20)], NOW - timedelta(days=50), NOW)
    assert Readings(engine, clock, few_clients=700).at_once(kept.savings(CONFIG))
    assert not Readings(engine, clock, few_clients=699).at_once(kept.savings(CONFIG))


def test_a_recent_one_serves_until_it_is_old(kept: Readings, engine: Engine, clock: StandingClock) -> None:
    first = kept.recent(kept.readout(CONFIG, NAME))
    leave(engine)
    clock.move(FRESH - timedelta(seconds=1))
    assert kept.recent(kept.readout(CONFIG, NAME)) == first
    clock.move(timedelta(seconds=1))
    second = kept.recent(kept.readout(CONFIG, NAME))
    assert (second.read_at, len(second.found.arms)) == (clock.now(), len(first.found.arms) + 1)
    assert kept.kept(kept.readout(CONFIG, NAME)) == second


def test_an_earlier_reading_never_replaces_a_later_one(kept: Readings, engine: Engine, clock: StandingClock) -> None:
    later = kept.counted(kept.readout(CONFIG, NAME))
    slow = Readings(engine, StandingClock(NOW - timedelta(minutes=1)), few_clients=100)
    slow.counted(slow.readout(CONFIG, NAME))
    assert kept.kept(kept.readout(CONFIG, NAME)) == later


@pytest.mark.parametrize("change", [{"paused": [NAME]}, {"experiment": OTHER}])
def test_what_people_change_is_counted_anew(kept: Readings, engine: Engine, change: dict[str, Any]) -> None:
    kept.counted(kept.readout(CONFIG, NAME))
    assert kept.kept(kept.readout(LiveConfig(holdout_percentage=20, maturity_days=31), NAME)) is None
    assert kept.kept(kept.readout(LiveConfig(holdout_percentage=20, smallest_effect=0.03), NAME)) is None
    configure_at(engine, NOW, **change)
    assert kept.kept(kept.readout(CONFIG, NAME)) is None


def test_what_another_version_of_the_program_kept_is_counted_anew(kept: Readings, engine: Engine) -> None:
    kept.counted(kept.readout(CONFIG, NAME))
    with engine.begin() as connection:
        connection.execute(update(readings).values(content='{"experiment": "autumn"}'))
    assert kept.kept(kept.readout(CONFIG, NAME)) is None


def test_an_experiment_that_is_not_there_is_not_read(kept: Readings) -> None:
    with pytest.raises(UnknownExperiment):
        kept.readout(CONFIG, "winter")


def test_the_duty_counts_what_is_in_use_and_old(kept: Readings, engine: Engine, clock: StandingClock) -> None:
    """The experiment, the month that tells what a call is worth, and the months together; never twice in one time."""
    expose(engine, "holdout/2026-05", [Group("treated", "additive@1", 200, 20)], START, NOW)
    assert kept.keep_up(CONFIG) == [NAME, MONTH, "holdout/"]
    assert kept.keep_up(CONFIG) == []
    clock.move(FRESH)
    assert kept.keep_up(CONFIG) == [NAME, MONTH, "holdout/"]
    configure_at(engine, clock.now(), experiment=OTHER)
    assert kept.keep_up(CONFIG) == []
    assert Readings(engine, clock).keep_up(CONFIG) == []
