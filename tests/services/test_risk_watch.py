"""Each crossing is found, noted and made due once, whoever looks, how often and how late."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

from data import config_store
from data.notifications import WEBHOOK
from data.queue import Queue
from data.tables import client_latest, notifications, risk_changes, risk_states
from modeling.registry import ModelRegistry
from services import risk_watch
from tests.support.clock import StandingClock
from tests.support.deployment import insert_config
from tests.support.models import Trained
from tests.support.risk import Watched

MINUTE = timedelta(minutes=1)


@pytest.fixture
def watched(engine: Engine, redis_client: redis.Redis, redis_url: str) -> Watched:
    return Watched(engine, Queue(redis_url), redis_client, StandingClock())


def test_clients_cross_into_high_risk_and_out_of_it(watched: Watched) -> None:
    for prediction, expected in ((0.2, 0), (0.6, 1), (0.7, 0), (0.46, 0), (0.44, 1), (0.49, 0)):
        watched.clock.move(MINUTE)
        watched.answer("a", prediction)
        assert watched.look() == expected
    assert watched.changes() == [("a", True), ("a", False)]


def test_a_crossing_is_due_as_a_webhook_and_wakes_a_worker(watched: Watched) -> None:
    one = watched.answer("a", 0.9)
    watched.look()
    (change,), (message,) = watched.whole_changes(), watched.messages()
    assert (message.message_id, message.channel, message.client_id) == (change.change_id, WEBHOOK, "a")
    assert message.message["data"]["prediction_id"] == one
    assert message.created_at == watched.clock.now()
    assert watched.queue.waiting([message.message_id]) == {message.message_id}


def test_without_a_receiver_nothing_is_due(watched: Watched) -> None:
    watched.webhooks = False
    watched.answer("a", 0.9)
    watched.another().look()
    assert watched.changes() == [("a", True)]
    assert watched.messages() == []


def test_looking_again_finds_nothing_again(watched: Watched) -> None:
    watched.answer("a", 0.9)
    assert [watched.look(), watched.look(), watched.another().look()] == [1, 0, 0]
    assert len(watched.messages()) == 1


def test_a_client_that_is_held_out_is_never_told_of(watched: Watched) -> None:
    held_back: dict[str, Any] = {"arm": "holdout", "high_risk": None, "money_at_risk": None}
    held_back["silent_scores"] = {"additive@1": 0.99}
    watched.answer("a", None, **held_back)
    watched.answer("b", 0.9)
    watched.look()
    watched.clock.move(MINUTE)
    watched.answer("b", None, **held_back)
    watched.look()
    assert watched.changes() == [("b", True)]
    assert [message.client_id for message in watched.messages()] == ["b"]


def test_the_cutoff_in_force_counts_and_a_change_of_it_tells_of_nobody(watched: Watched) -> None:
    watched.answer("a", 0.4)
    watched.look()
    insert_config(watched.engine, proba_cutoff="0.3", risk_hysteresis="0.2")
    watched.clock.move(2 * MINUTE)
    assert watched.another().look() == 0
    watched.answer("a", 0.4)  # as before, but now above the line
    assert watched.look() == 1
    assert watched.whole_changes()[0].cutoff == 0.3
    watched.clock.move(MINUTE)
    watched.answer("a", 0.11)
    assert watched.look() == 0


def test_an_answer_that_is_shipped_late_is_found(watched: Watched) -> None:
    watched.look()
    watched.clock.move(5 * MINUTE)
    watched.look()
    watched.answer("a", 0.9, watched.clock.now() - timedelta(minutes=50))
    assert watched.look() == 1


def test_one_that_is_later_than_that_is_found_within_the_hour(watched: Watched) -> None:
    watched.look()
    watched.answer("a", 0.9, watched.clock.now() - timedelta(days=3))
    assert watched.look() == 0
    watched.clock.move(risk_watch.WALK_EVERY)
    assert watched.look() == 1


def test_an_outage_of_the_database_hides_nothing(watched: Watched) -> None:
    """The next look goes back to the last that succeeded."""
    watched.look()
    watched.answer("a", 0.9)
    failing = [OperationalError("x", {}, Exception("gone"))]

    def fail(*_: Any) -> None:
        raise failing[0]

    watched.clock.move(30 * MINUTE)
    event.listen(watched.engine, "before_cursor_execute", fail)
    try:
        with pytest.raises(OperationalError):
            watched.look()
    finally:
        event.remove(watched.engine, "before_cursor_execute", fail)
    watched.clock.move(29 * MINUTE)
    assert watched.look() == 1


def test_a_look_that_is_cut_off_leaves_all_or_nothing(watched: Watched) -> None:
    watched.answer("a", 0.9)

    def die(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "INTO notifications" in statement:
            raise KeyboardInterrupt

    event.listen(watched.engine, "before_cursor_execute", die)
    try:
        with pytest.raises(KeyboardInterrupt):
            watched.look()
    finally:
        event.remove(watched.engine, "before_cursor_execute", die)
    assert watched.changes() == []
    assert watched.look() == 1
    assert len(watched.messages()) == 1


def test_many_that_look_at_once_give_nothing_twice(watched: Watched) -> None:
    for number in range(60):
        watched.answer(f"c{number}", 0.9)
    start = threading.Barrier(4)

    def look(_: int) -> int:
        watch = watched.another()
        start.wait(10)
        return watch.look()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(look, range(4))) == 60
    assert len(watched.changes()) == len(watched.messages()) == 60


def test_a_first_start_walks_on_from_look_to_look(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(risk_watch, "STRETCH", 4)
    monkeypatch.setattr(risk_watch, "STRETCHES", 2)
    for number in range(21):
        watched.answer(f"c{number}", 0.9, watched.clock.now() - timedelta(days=number + 1))
    assert [watched.look() for _ in range(4)] == [8, 8, 5, 0]
    assert len(watched.changes()) == 21


def test_new_answers_are_found_stretch_by_stretch(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(risk_watch, "STRETCH", 4)
    monkeypatch.setattr(risk_watch, "STRETCHES", 0)
    for number in range(21):
        watched.answer(f"c{number}", 0.9, watched.clock.now() + timedelta(seconds=number // 5))
    assert [watched.look(), watched.look()] == [21, 0]


def test_a_walk_that_fails_keeps_no_new_answer_waiting(watched: Watched) -> None:
    """Nothing reads all clients but the walk, which here takes longer than the database allows."""

    def fail(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("SELECT client_latest") and "client_latest.answered_at >" not in statement:
            raise OperationalError("x", {}, Exception("read timeout"))

    watched.answer("old", 0.9, watched.clock.now() - timedelta(days=3))
    event.listen(watched.engine, "before_cursor_execute", fail)
    try:
        for name in "ab":
            watched.clock.move(MINUTE)
            watched.answer(name, 0.9)
            with pytest.raises(OperationalError):
                watched.look()
    finally:
        event.remove(watched.engine, "before_cursor_execute", fail)
    assert watched.changes() == [("a", True), ("b", True)]
    assert {message.client_id for message in watched.messages()} == {"a", "b"}
    assert watched.look() == 1


def test_the_cutoff_is_the_one_that_the_web_has_in_force(watched: Watched, trained: Trained) -> None:
    """A row that came with a model that cannot be loaded is set aside, as a whole."""
    insert_config(watched.engine, aliases=trained.aliases)
    values = {"proba_cutoff": "0.2", "shadow": '["nothere@1"]'}
    with watched.engine.begin() as connection:
        config_store.append(connection, values, "ann", "because")
    watched.answer("a", 0.4)
    watched.registry = ModelRegistry(trained.models_dir)
    assert watched.another().look() == 0
    watched.answer("b", 0.6)
    assert watched.another().look() == 1
    assert watched.whole_changes()[0].cutoff == 0.5


answers = st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 1), st.booleans()), max_size=25)


@given(answers)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_crossings_alternate_however_answers_and_looks_fall(
    watched: Watched, found: list[tuple[str, float, bool]]
) -> None:
    with watched.engine.begin() as connection:
        for table in (client_latest, risk_states, risk_changes, notifications):
            connection.execute(table.delete())
    for client_id, prediction, looks in found:
        watched.clock.move(MINUTE)
        watched.answer(client_id, prediction)
        if looks:
            watched.another().look()
    watched.look()
    for name in "ab":
        directions = [high for client_id, high in watched.changes() if client_id == name]
        assert directions == [True, False] * (len(directions) // 2) + [True] * (len(directions) % 2)
    assert len(watched.messages()) == len(watched.changes())
