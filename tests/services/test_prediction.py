"""What is scored while Redis counts is answered only under the config that Redis tells of."""

from collections.abc import Callable
from typing import Any

import pytest
from apiflask import APIFlask

from services.answers import Question
from services.questions import question
from tests.support.deployment import insert_config
from tests.support.models import Trained
from tests.support.stack import configure
from wiring import Wiring


@pytest.fixture
def wired(app: APIFlask) -> Wiring:
    made: Wiring = app.extensions["holdfast"]
    made.ensure_started()
    made.announce()
    made.snapshot()
    return made


@pytest.fixture
def asked(wired: Wiring, customer: dict[str, Any]) -> Callable[..., Question]:
    def ask(client_id: str = "anna", **more: Any) -> Question:
        return question({"client_id": client_id, **customer, **more}, wired.live.current())

    return ask


def changed_elsewhere(wired: Wiring, **values: Any) -> None:
    """Another process changes the config and tells the fleet; this one has not looked yet."""
    before = wired.live.newest
    insert_config(wired.engine, **values)
    assert wired.announce()
    assert wired.live.newest is before


def break_model(wired: Wiring, name: str) -> None:
    model = wired.live.current().serving.models[name].model
    while hasattr(model, "model"):
        model = model.model
    model.__dict__.clear()


def shadow_failures(wired: Wiring, reference: str) -> float:
    counted = wired.metrics.shadow_failures.collect()
    return sum(s.value for m in counted for s in m.samples if s.labels.get("model") == reference and "_total" in s.name)


def failures(wired: Wiring, reference: str) -> int:
    now = wired.clock.now().timestamp()
    return wired.activity.failures(reference, now - 120, now)


def test_a_change_takes_effect_for_the_answer_that_hears_of_it(
    wired: Wiring, asked: Callable[..., Question], trained: Trained
) -> None:
    before = wired.predictions.answer(asked())
    changed_elsewhere(wired, aliases={**trained.aliases, "champion": "heuristic@1"}, proba_cutoff=0.01)
    after = wired.predictions.answer(asked())
    assert (before.model, after.model) == ("additive", "heuristic")
    assert after.config_revision > before.config_revision
    assert after.high_risk == "yes"
    own = wired.live.current().serving.champion.model.predict(asked().data)
    assert after.prediction == own.probability
    assert (before.recent_times_id_seen, after.recent_times_id_seen) == (0, 1)


def test_a_model_that_fails_under_the_old_config_alone_does_not_count(
    wired: Wiring, asked: Callable[..., Question], trained: Trained
) -> None:
    break_model(wired, "champion")
    changed_elsewhere(wired, aliases={**trained.aliases, "champion": "heuristic@1"})
    assert wired.predictions.answer(asked()).model == "heuristic"
    assert failures(wired, trained.aliases["champion"]) == 0


def test_a_model_that_fails_is_asked_once_and_counted_once(
    wired: Wiring, asked: Callable[..., Question], trained: Trained
) -> None:
    model = wired.live.current().serving.champion.model
    asks = []

    def fail(data: Any) -> Any:
        asks.append(len(data))
        raise ZeroDivisionError("the model's own")

    model.predict_many = fail  # type: ignore[method-assign]
    with pytest.raises(ZeroDivisionError, match="the model's own"):
        wired.predictions.answer_many([asked("a"), asked("b")])
    assert asks == [2]
    assert failures(wired, trained.aliases["champion"]) == 2


def test_a_shadow_that_fails_counts_once_an_answer(
    app: APIFlask, wired: Wiring, asked: Callable[..., Question], trained: Trained
) -> None:
    configure(app, shadow=["heuristic"])
    wired.snapshot()
    break_model(wired, "heuristic")
    wired.predictions.answer(asked())
    assert shadow_failures(wired, trained.aliases["heuristic"]) == 1
    changed_elsewhere(wired, proba_cutoff=0.25)
    assert wired.predictions.answer(asked()).config_revision == wired.live.current().revision
    assert wired.live.current().serving.rules.shadow == (), "the change set it aside"
    assert shadow_failures(wired, trained.aliases["heuristic"]) == 1


def test_what_is_shared_with_the_answer_stays_as_it_was_asked(
    app: APIFlask, wired: Wiring, asked: Callable[..., Question], trained: Trained
) -> None:
    configure(app, shadow=["heuristic", "challenger"], cache_ttl_seconds=60.0, cache_decimals=1)
    one = asked(reasons=5)
    as_it_was = dict(one.data.__dict__)
    wired.predictions.answer(one)
    wired.predictions.try_out(one)
    assert one.data.__dict__ == as_it_was
    assert list(one.data.__dict__) == list(as_it_was)


def test_a_question_with_an_id_gets_it_however_often_it_is_asked(wired: Wiring, asked: Callable[..., Question]) -> None:
    named = Question("anna", asked().data, prediction_id="00000000-0000-0000-0000-000000000001")
    told = [wired.predictions.answer(named).prediction_id for _ in range(2)]
    assert told == [named.prediction_id] * 2
    assert wired.shipper.flush(10)
    with wired.engine.connect() as connection:
        assert connection.exec_driver_sql("select count(*) from model_logs").scalar_one() == 1
