"""What a cutoff would come to is counted as the cutoff itself counts."""

import time
from collections.abc import Callable

from sqlalchemy import Engine, insert

from data.score_counts import score_counts
from data.tables import client_latest
from services.meaning import high_risk
from services.score_spread import FRESH, USABLE, ScoreSpread, Spread
from tests.support.clock import StandingClock

SCORES = (0.0, 0.005, 0.07, 0.14, 0.28, 0.29, 0.57, 0.58, 0.999, 1.0)


def fill(engine: Engine, scores: tuple[float | None, ...], clock: StandingClock) -> None:
    rows = [
        {"client_id": f"c{place}{score}", "prediction_id": str(place), "answered_at": clock.now(), "prediction": score}
        for place, score in enumerate(scores)
    ]
    with engine.begin() as connection:
        connection.execute(insert(client_latest), rows)


def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.01)


def test_at_every_cutoff_as_many_are_counted_as_would_be_at_high_risk(engine: Engine) -> None:
    clock = StandingClock()
    fill(engine, (*SCORES, None), clock)
    spread = ScoreSpread(engine, clock).current()
    assert spread.clients == len(SCORES)
    for place in range(1, 100):
        cutoff = place / 100
        assert spread.at_least(cutoff) == sum(high_risk(score, cutoff) == "yes" for score in SCORES), cutoff


def test_no_more_clients_are_read_than_asked_for(engine: Engine) -> None:
    fill(engine, SCORES, StandingClock())
    with engine.connect() as connection:
        assert sum(score_counts(connection, most=4)) == 4


def test_one_count_serves_until_another_was_made_beside_it(engine: Engine) -> None:
    clock = StandingClock()
    spread = ScoreSpread(engine, clock)
    assert spread.current().clients == 0
    fill(engine, SCORES, clock)
    assert spread.current().clients == 0
    clock.move(FRESH)
    assert spread.current().clients == 0, "who asks first does not wait for it"
    until(lambda: spread.current().clients == len(SCORES))


def test_what_is_too_old_is_not_told(engine: Engine) -> None:
    clock = StandingClock()
    spread = ScoreSpread(engine, clock)
    assert spread.current().clients == 0
    fill(engine, SCORES, clock)
    clock.move(USABLE)
    assert spread.current().clients == len(SCORES)


def test_between_two_hundredths_a_part_is_counted() -> None:
    counts = [0] * 100
    counts[50] = 10
    assert [Spread(tuple(counts)).at_least(cutoff) for cutoff in (0.5, 0.505, 0.51)] == [10, 5, 0]
