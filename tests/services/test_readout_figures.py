"""How many connections a readout may take, and what becomes of one that has to wait."""

import pytest
from sqlalchemy import Connection, Engine

from services.config.model import LiveConfig
from services.readout import figures
from services.readout.figures import ReadoutBusy, asking, gather
from services.readout.reading import glance, months
from tests.support.clients import CLOSES, EXPERIMENT, MATURITY_DAYS, crowd, put
from tests.support.clock import StandingClock

CONFIG = LiveConfig(maturity_days=MATURITY_DAYS)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "WAIT_SECONDS", 0.01)


@pytest.mark.usefixtures("impatient")
def test_one_readout_at_a_time_asks_side_by_side(engine: Engine) -> None:
    put(engine, **crowd("champion", 5))
    with asking(engine):
        with pytest.raises(ReadoutBusy, match="try again in a few seconds"):
            gather(engine, EXPERIMENT, CLOSES, MATURITY_DAYS)
        with pytest.raises(ReadoutBusy):
            months(engine, StandingClock(CLOSES), CONFIG)
    assert gather(engine, EXPERIMENT, CLOSES, MATURITY_DAYS).parts


@pytest.mark.usefixtures("impatient")
def test_a_verdict_waits_for_no_readout(engine: Engine) -> None:
    put(engine, **crowd("champion", 5))
    with asking(engine):
        assert glance(engine, StandingClock(CLOSES), CONFIG, EXPERIMENT).arms[0].clients == 5


@pytest.mark.usefixtures("impatient")
def test_one_that_fails_lets_the_next_one_read(engine: Engine) -> None:
    def fail(_: Connection) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), asking(engine) as ask:
        ask(fail).result()
    assert gather(engine, EXPERIMENT, CLOSES, MATURITY_DAYS).first_at is None
