"""A challenger that does harm is paused by itself, with its reason; only people bring it back."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import Engine

from data import notifications, outcome_store, prediction_log
from data.client_activity import ClientActivity
from data.ledger_row import LedgerRow
from data.notifications import MAIL, Notification
from data.outcome_store import Outcome
from helpers.clock import SystemClock
from helpers.ids import new_id
from services.guardrails import Findings, Guard
from tests.support.clock import StandingClock
from tests.support.ledger import row
from tests.support.lives import HALVES, Life
from tests.support.models import Trained

OLD, NEW, RULE = "additive@1", "gradient_boosting@1", "heuristic@1"


class Watched:
    """A database with experiments, the guard over it, and what the fleet was told."""

    def __init__(self, life: Life, redis: Redis) -> None:
        self.life = life
        self.activity = ClientActivity(redis)
        self.told: list[str] = []
        self.clock = StandingClock(datetime.now(UTC))
        self.guard = Guard(life.engine, life.registry, self.activity, self.clock, lambda: self.told.append("changed"))
        life.change(alert_recipients=["ops@example.com"])

    def answer(
        self, model: str, n: int = 300, *, days_ago: int = 0, churned: bool | None = None, **changes: Any
    ) -> None:
        """`n` clients answered by the model as an arm of the experiment `x`, and perhaps told of a day later."""
        at = datetime.now(UTC) + timedelta(seconds=1) - timedelta(days=days_ago)
        name, _, version = model.partition("@")
        arm = "champion" if model == OLD else "challenger"
        given = {"arm": arm, "model": name, "model_version": version, "experiment": "x", "answered_at": at}
        rows = [row(new_id(), **{"prediction": n / 1_000, "silent_scores": {}, **given, **changes}) for n in range(n)]
        with self.life.engine.begin() as connection:
            prediction_log.append_many(connection, rows)
            if churned is not None:
                outcome_store.add_many(connection, [_outcome(each, churned) for each in rows])

    def fail(self, model: str, clients: int) -> None:
        """In the minute to come: those of a minute in which the config changed do not count."""
        self.clock.move(timedelta(seconds=60))
        self.activity.count_failure(model, clients, self.clock.now().timestamp())

    def mails(self) -> list[Notification]:
        with self.life.engine.connect() as connection:
            due = notifications.pending(connection, MAIL, datetime.now(UTC) + timedelta(minutes=2), 10)
            return [found for message_id in due if (found := notifications.find(connection, message_id))]


def _outcome(of: LedgerRow, churned: bool) -> Outcome:
    observed = of.answered_at + timedelta(days=1)
    return Outcome(new_id(), of.client_id, None, churned, observed, observed, "test")


def broken(found: Findings) -> dict[str, list[str]]:
    return {each.model: [breach.rule for breach in why] for each, why in found.items()}


@pytest.fixture
def watched(engine: Engine, models_dir: Path, trained: Trained, redis_client: Redis) -> Watched:
    return Watched(Life(engine, models_dir, trained.aliases), redis_client)


def test_a_challenger_that_scores_everybody_high_is_paused_with_a_reason_and_a_mail(watched: Watched) -> None:
    watched.life.start("x")
    watched.answer(OLD)
    watched.answer(NEW, prediction=0.9)
    assert broken(watched.guard.watch_answers()) == {NEW: ["high_risk", "score_shift"]}

    run = watched.life.run("x")
    assert run.paused
    assert run.paused_because is not None
    assert run.paused_because.startswith(f"{NEW} puts 100 % of its clients at high risk, the champion 0 %")
    assert watched.told == ["changed"]
    (entry,) = watched.life.audited("x")
    assert (entry.actor, entry.action, entry.details["model"]) == ("guardrails", "challenger_paused", NEW)
    assert entry.details["why"] == run.paused_because
    (mail,) = watched.mails()
    assert (mail.recipients, mail.client_id, mail.channel) == (["ops@example.com"], None, "mail")
    assert (mail.message["kind"], mail.message["challenger"], mail.message["experiment"]) == ("guardrail", NEW, "x")
    assert " ".join(mail.message["sentences"]) == run.paused_because

    assert watched.guard.watch_answers() == {}
    assert len(watched.mails()) == 1


def test_one_that_fails_is_paused_though_it_left_nothing_in_the_ledger(watched: Watched) -> None:
    watched.life.start("x")
    watched.fail(NEW, 50)
    assert broken(watched.guard.watch_answers()) == {NEW: ["errors"]}
    assert watched.life.run("x").paused


def test_one_that_people_resume_begins_anew(watched: Watched) -> None:
    watched.life.start("x")
    watched.answer(OLD, answered_at=datetime.now(UTC))
    watched.answer(NEW, prediction=0.9, answered_at=datetime.now(UTC))
    assert watched.guard.watch_answers()
    watched.life.experiments.resume("x", "ann", "mended")
    assert watched.guard.watch_answers() == {}
    assert not watched.life.run("x").paused


def test_a_good_challenger_is_left_alone(watched: Watched) -> None:
    watched.life.start("x")
    watched.answer(OLD)
    watched.answer(NEW, silent_scores={RULE: 0.4})
    assert watched.guard.watch_answers() == {}
    assert watched.guard.watch_outcomes() == {}
    assert (watched.told, watched.mails()) == ([], [])


def test_a_layer_is_watched_too_and_the_control_need_not_be_the_champion(watched: Watched) -> None:
    watched.life.start("x", layer="half", share=0.5, arms={NEW: 0.6, RULE: 0.4})
    watched.answer(NEW, 300, arm=NEW)
    watched.answer(RULE, 300, arm=RULE, prediction=0.95)
    assert set(broken(watched.guard.watch_answers())) == {RULE}
    assert watched.life.config.paused == ("x",)


def test_a_shadow_that_fails_is_taken_out(watched: Watched) -> None:
    watched.life.change(shadow=["heuristic", NEW])
    watched.answer(OLD, experiment=None, silent_scores={RULE: None, NEW: 0.2})
    found = broken(watched.guard.watch_answers())
    assert found[RULE] == ["errors"]
    assert RULE not in {watched.life.config.resolve(name) for name in watched.life.config.shadow}
    (entry,) = watched.life.audited(RULE)
    assert "heuristic@1 fails for 100 % of 300 clients" in entry.details["why"]
    assert None in {mail.message["experiment"] for mail in watched.mails()}


def test_a_shadow_that_finds_others_riskiest_is_paused_as_an_arm_too(watched: Watched) -> None:
    watched.life.change(shadow=["challenger"])
    watched.life.start("x", arms={"champion": 0.95, NEW: 0.05})
    for n in range(600):
        watched.answer(OLD, 1, prediction=n / 1_000, silent_scores={NEW: (599 - n) / 1_000})
    assert broken(watched.guard.watch_answers()) == {NEW: ["overlap"]}
    assert (watched.life.config.shadow, watched.life.config.paused) == ((), ("x",))


def test_of_a_client_who_is_asked_about_often_the_newest_answer_counts(watched: Watched) -> None:
    watched.life.start("x")
    watched.answer(OLD)
    watched.answer(NEW)
    at = datetime.now(UTC) + timedelta(seconds=2)
    again = row("one", arm="challenger", model="gradient_boosting", model_version="1", experiment="x", answered_at=at)
    with watched.life.engine.begin() as connection:
        prediction_log.append_many(connection, [replace(again, prediction_id=new_id()) for _ in range(400)])
    assert watched.guard.watch_answers() == {}


def test_scores_that_matured_clients_prove_wrong_pause_a_challenger(watched: Watched) -> None:
    watched.life.start("x")
    for model, prediction in ((OLD, 0.1), (NEW, 0.8)):
        watched.answer(model, 400, days_ago=40, churned=False, prediction=prediction)
        watched.answer(model, 40, days_ago=40, churned=True, prediction=prediction)
    assert broken(watched.guard.watch_outcomes()) == {NEW: ["brier"]}
    because = watched.life.run("x").paused_because or ""
    assert because.startswith("The Brier score of gradient_boosting@1 is")
    assert because.endswith("before you bring it back, raise guardrails.brier or set it to null.")
    (mail,) = watched.mails()
    assert mail.message["sentences"] == [because]

    watched.life.experiments.resume("x", "ann", "another try")
    assert watched.guard.watch_outcomes()
    watched.life.change(guardrails={"brier": None})
    watched.life.experiments.resume("x", "ann", "let it be")
    assert watched.guard.watch_outcomes() == {}


def test_so_do_those_of_a_shadow_on_the_same_clients(watched: Watched) -> None:
    watched.life.change(shadow=["heuristic", NEW])
    scores = {RULE: 0.8, NEW: 0.11}
    watched.answer(OLD, 500, days_ago=40, churned=False, experiment=None, prediction=0.1, silent_scores=scores)
    assert broken(watched.guard.watch_outcomes()) == {RULE: ["brier"]}
    assert watched.life.config.shadow == (NEW,)


@pytest.mark.parametrize("act", [lambda life: life.start("x"), lambda life: life.change(shadow=["heuristic"])])
def test_without_answers_nothing_is_said(watched: Watched, act: Callable[[Life], object]) -> None:
    act(watched.life)
    assert (watched.guard.watch_answers(), watched.guard.watch_outcomes()) == ({}, {})


def test_without_recipients_it_pauses_all_the_same(watched: Watched) -> None:
    watched.life.change(alert_recipients=[])
    watched.life.start("x")
    watched.fail(NEW, 50)
    assert watched.guard.watch_answers()
    assert watched.mails() == []


def test_before_the_first_model_there_is_nothing_to_watch(
    engine: Engine, models_dir: Path, redis_client: Redis
) -> None:
    life = Life(engine, models_dir, {})
    guard = Guard(engine, life.registry, ClientActivity(redis_client), SystemClock(), lambda: None)
    assert (guard.watch_answers(), guard.watch_outcomes()) == ({}, {})


def test_failures_are_counted_by_model_and_minute(redis_client: Redis) -> None:
    activity, now = ClientActivity(redis_client), 20_000 * 86_400.0
    for at, clients in ((now - 120, 1), (now - 30, 10), (now + 30, 100)):
        activity.count_failure("a@1", clients, at)
    activity.count_failure("b@1", 7, now)
    assert activity.failures("a@1", now - 119, now + 1) == 110
    assert activity.failures("a@1", now - 120, now + 1) == 111
    assert activity.failures("a@1", now - 90_000, now - 1) == 11
    assert activity.failures("c@1", now - 90, now) == 0
    assert all(redis_client.ttl(key) > 0 for key in redis_client.keys("holdfast:failures:*"))


def test_nothing_is_said_below_the_minimum(watched: Watched) -> None:
    """Arms of 200 clients are enough, and 199 are not."""
    watched.life.start("x", arms=HALVES)
    watched.answer(OLD, 200)
    watched.answer(NEW, 199, prediction=0.95)
    assert watched.guard.watch_answers() == {}
    watched.answer(NEW, 1, prediction=0.95)
    assert watched.guard.watch_answers()
