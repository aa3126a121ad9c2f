"""The parts of monitoring: signs of life, traffic, alerts, and the truth about untreated clients."""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from redis import Redis
from sklearn.metrics import brier_score_loss, roc_auc_score
from sqlalchemy import Engine

from data.monitoring_store import Backlog
from data.pulse_store import Beat, PulseStore
from experiments.drift import Shift
from modeling.drift import Binned
from services.background import Background
from services.monitoring.alerts import State, alerts
from services.monitoring.inputs import Drifted, Inputs
from services.monitoring.remembered import Remembered
from services.monitoring.traffic import percentile, traffic
from services.monitoring.truth import look_at_truth
from tests.support.clients import CLOSES, FIRST_AT, MATURITY_DAYS, done, met, put, told
from tests.support.clock import StandingClock

NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
SECONDS = NOW.timestamp()
MONTH = f"holdout/{FIRST_AT:%Y-%m}"


@pytest.fixture
def store(embedded_redis_url: str) -> Iterator[PulseStore]:
    with Redis.from_url(embedded_redis_url) as redis:
        redis.flushall()
        yield PulseStore(redis)


def beat(
    pid: int = 1, at: float = SECONDS, role: str = "web", started_at: float = SECONDS - 900, **facts: object
) -> Beat:
    return Beat("host", pid, role, started_at, at, **facts)  # type: ignore[arg-type]


STAFF = [beat(8, role="worker"), beat(9, role="schedule")]


def keys(*beats: Beat, **facts: Any) -> list[str]:
    known: dict[str, Any] = {"now": NOW, "backlogs": [], "paused": {}, "inputs": None, "beats": [*STAFF, *beats]}
    return [alert.key for alert in alerts(State(**{**known, **facts}))]


def test_processes_add_up_what_they_counted(store: PulseStore) -> None:
    store.beat(beat(1), {"arm|champion": 5, "asked": 5})
    store.beat(beat(2, SECONDS - 60), {"arm|champion": 2, "arm|holdout": 1, "asked": 3})
    store.beat(beat(2, SECONDS - 7_200), {"arm|champion": 4, "asked": 4})
    hour, day = traffic(store, NOW, "hour"), traffic(store, NOW, "day")
    assert (hour.whole.arms, len(hour.moments)) == ({"champion": 7, "holdout": 1}, 60)
    assert [moment.asked for moment in hour.moments[-2:]] == [3, 5]
    assert (day.whole.arms, day.whole.asked, len(day.moments)) == ({"champion": 11, "holdout": 1}, 12, 24)
    assert day.arms == ["champion", "holdout"]


def test_a_process_is_known_by_its_last_sign_until_it_leaves(store: PulseStore) -> None:
    told_of = beat(1, revision=7, refreshed_at=SECONDS - 5, spool=3, troubles={"redis": ("away", SECONDS)})
    for each in (beat(1, SECONDS - 20), told_of, beat(2), beat(3, SECONDS - 4_000)):
        store.beat(each, {})
    assert store.processes(SECONDS) == [told_of, beat(2)]
    store.leave("host:1")
    assert store.processes(SECONDS) == [beat(2)]


def test_an_alert_that_went_away_begins_anew(store: PulseStore) -> None:
    assert store.since(["a", "b"], 10.0) == {"a": 10.0, "b": 10.0}
    assert store.since(["a"], 20.0) == {"a": 10.0}
    assert store.since(["a", "b"], 30.0) == {"a": 10.0, "b": 30.0}


def test_percentiles_come_from_counts_between_edges_like_those_of_the_values() -> None:
    drawn = random.Random(3)
    values = [drawn.uniform(0, 1) for _ in range(5_000)]
    edges = [place / 100 for place in range(1, 101)]
    counts = Counter(next(edge for edge in edges if value <= edge) for value in values)
    for share in (0.5, 0.95, 0.99):
        assert percentile(counts, share) == pytest.approx(float(np.quantile(values, share)), abs=0.002)
    assert percentile({0.1: 1, float("inf"): 9}, 0.99) == 0.1
    assert percentile({}, 0.5) is None


def test_a_fleet_in_order_raises_no_alert() -> None:
    assert keys(beat(1, spool=2, spool_since=SECONDS - 1)) == []


def test_a_process_that_fell_silent_is_missed_unless_another_took_its_place() -> None:
    silent = beat(1, SECONDS - 120)
    assert keys(silent) == ["silent host:1"]
    assert keys(silent, beat(2, started_at=SECONDS - 100)) == []
    assert keys(beats=[STAFF[0]]) == ["no schedule"]


def test_troubles_of_several_processes_are_one_alert_since_the_first() -> None:
    troubled = [beat(pid, troubles={"database": ("away", SECONDS - pid)}) for pid in (20, 90)]
    (alert,) = alerts(State(NOW, [*STAFF, *troubled], [], {}, None))
    assert (alert.key, alert.detail, alert.since) == ("database", "away (2 processes)", NOW - timedelta(seconds=90))


def test_messages_and_spool_that_wait_too_long_and_pauses_are_told() -> None:
    hour_ago = NOW - timedelta(hours=1)
    backlogs = [Backlog("mail", 3, hour_ago, 0, None), Backlog("webhook", 0, None, 2, hour_ago)]
    found = keys(beat(1, spool=40, spool_since=SECONDS - 500), backlogs=backlogs, paused={"autumn": (hour_ago, "slow")})
    assert found == ["spool", "failed webhook", "late mail", "paused autumn"]
    assert keys(beats=None) == ["redis"]


def test_a_few_drifts_are_told_apart_and_many_are_one_alert() -> None:
    assert keys(inputs=drifted(3)) == ["drift f0", "drift f1", "drift f2"]
    (alert,) = alerts(State(NOW, STAFF, [], {}, drifted(4)))
    assert (alert.key, alert.title) == ("drift", "4 columns have drifted from the training")
    assert "f0, f1, f2, f3" in alert.detail


def drifted(number: int) -> Inputs:
    far = Shift(9.0, 0.1, "large")
    features = [Drifted(Binned(f"f{place}", "number", [], [], []), far) for place in range(number)]
    return Inputs("additive@1", 1, 1, None, None, features, None, None, None, None)


def test_truth_is_that_of_untreated_clients_of_closed_windows(engine: Engine) -> None:
    drawn = random.Random(9)
    scores = {f"c{place}": drawn.betavariate(1, 4) for place in range(600)}
    left = {name for name, score in scores.items() if drawn.random() < score}
    clients = [met(name, experiment=MONTH, arm="holdout", score=score) for name, score in scores.items()]
    called = list(scores)[:100]
    fresh = met("fresh", experiment=MONTH, arm="holdout", first_at=FIRST_AT + timedelta(days=2))
    put(
        engine,
        clients=[*clients, fresh],
        reports=[told(True, FIRST_AT, name) for name in left],
        deeds=[done(name, FIRST_AT + timedelta(days=1)) for name in called]
        + [done("c500", FIRST_AT + timedelta(days=MATURITY_DAYS + 1)), done("c501", FIRST_AT - timedelta(days=1))],
    )
    (found,) = look_at_truth(engine, CLOSES, MATURITY_DAYS)
    names = [name for name in scores if name not in called]
    truth, given = [name in left for name in names], [scores[name] for name in names]
    quality = found.quality
    assert (found.holdout, quality.n, quality.churned) == (True, 500, sum(truth))
    wanted = (roc_auc_score(truth, given), brier_score_loss(truth, given))
    assert (quality.auc, quality.brier) == pytest.approx(wanted, abs=5e-4)
    tenth = [name for name in names if 0.3 <= round(scores[name], 3) < 0.4]
    point = found.curve[3]
    assert (point.n, point.churned) == (len(tenth), len(left.intersection(tenth)))


def test_the_newest_clients_alone_count_where_there_are_too_many(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.monitoring.truth.MOST_CLIENTS", 40)
    moments = [FIRST_AT - timedelta(minutes=place) for place in range(60)]
    put(
        engine,
        clients=[
            met(f"c{place}", experiment=MONTH, arm="treated", first_at=at, score=0.9 if place < 40 else 0.1)
            for place, at in enumerate(moments)
        ],
    )
    (found,) = look_at_truth(engine, CLOSES, MATURITY_DAYS)
    assert (found.holdout, found.quality.n, [point.n for point in found.curve]) == (False, 40, [40])


def test_figures_are_computed_once_and_a_failure_keeps_the_last() -> None:
    clock, calls = StandingClock(), list[int]()

    def compute() -> int:
        calls.append(len(calls))
        if len(calls) > 1:
            raise RuntimeError("away")
        return 41

    lasting = Remembered(compute, Background("test", threads=1), clock, seconds=1_000.0)
    first = lasting.current(patience=10)
    assert first is not None
    assert (first.found, first.at, lasting.current(), calls) == (41, clock.now(), first, [0])
    hasty = Remembered(compute, Background("test", threads=1), clock, seconds=0.0)
    assert hasty.current(patience=10) is None
