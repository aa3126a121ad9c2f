"""A promoted change is watched for a while: what breaks guardrails is taken back by itself, and people are told."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import Engine

from data import config_store, notifications, prediction_log
from data.client_activity import ClientActivity
from data.config_change_store import Change
from data.notifications import MAIL, Notification
from helpers.ids import new_id
from services.config.lifecycle import Lifecycle
from services.config.watch import ConfigWatch
from tests.support.clock import StandingClock
from tests.support.ledger import row
from tests.support.lives import HALVES, Life
from tests.support.models import Trained

OLD, NEW = "additive@1", "gradient_boosting@1"
PASSED = timedelta(minutes=5)
MINUTE = timedelta(minutes=1)


class Watching:
    """A database, the way of changes over it, and the watch. The clock begins ten minutes ago: rows are written now."""

    def __init__(self, life: Life, redis: Redis) -> None:
        self.life = life
        self.activity = ClientActivity(redis)
        self.told: list[str] = []
        self.clock = StandingClock(datetime.now(UTC) - 2 * PASSED)
        self.changes = Lifecycle(life.engine, life.registry, self.clock, lambda: self.told.append("promoted"))
        given = (self.activity, self.clock, lambda: self.told.append("taken back"))
        self.watch = ConfigWatch(life.engine, life.registry, *given)
        life.change(alert_recipients=["ops@example.com"])

    def promote(self, **values: Any) -> Change:
        """Promoted in the middle of a time in which 300 clients are answered as usual."""
        self.answer(-PASSED)
        return self.changes.set_now(values, "ann", "to see")

    def answer(self, after: timedelta, n: int = 300, **changes: Any) -> None:
        """That long after now, spread over four minutes."""
        at = [self.clock.now() + after + timedelta(seconds=1 + 240 * each / n) for each in range(n)]
        usual = {"model": "additive", "model_version": "1", "silent_scores": {}, "response_time": 0.002}
        given = {**usual, **changes}
        rows = [row(new_id(), **{"prediction": k / 1_000, "answered_at": at[k], **given}) for k in range(n)]
        with self.life.engine.begin() as connection:
            prediction_log.append_many(connection, rows)

    def fail(self, after: timedelta, clients: int = 100, model: str = OLD) -> None:
        self.activity.count_failure(model, clients, (self.clock.now() + after).timestamp())

    def look_later(self, by: timedelta = PASSED) -> dict[int, list[str]]:
        self.clock.move(by)
        return {change: [breach.rule for breach in why] for change, why in self.watch.look().items()}

    def mails(self) -> list[Notification]:
        with self.life.engine.connect() as connection:
            due = notifications.pending(connection, MAIL, datetime.now(UTC) + timedelta(minutes=2), 10)
            return [found for each in due if (found := notifications.find(connection, each))]


@pytest.fixture
def watching(engine: Engine, trained: Trained, redis_client: Redis) -> Watching:
    return Watching(Life(engine, trained.models_dir, trained.aliases), redis_client)


def test_what_makes_answers_fail_is_taken_back_and_people_are_told(watching: Watching) -> None:
    watching.life.change(two_person_rule=False)
    change = watching.promote(maturity_days=45)
    watching.fail(2 * MINUTE)
    watching.answer(timedelta())
    assert watching.look_later() == {change.id: ["errors"]}

    done = watching.changes.get(change.id)
    assert (watching.life.config.maturity_days, done.state, done.ended_at) == (30, "reverted", watching.clock.now())
    with watching.life.engine.connect() as connection:
        newest = config_store.history(connection)[0]
    assert done.outcome is not None
    assert done.outcome.startswith(
        f"taken back by the watch, as revision {newest.id}: 25.0% more of the answers failed"
    )
    assert (newest.key, newest.value, newest.author) == ("maturity_days", "30", "watch")
    assert f"change {change.id} (revision {change.revision}) taken back: 25.0% more" in (newest.reason or "")
    assert watching.told == ["promoted", "taken back"]
    entry = watching.life.audited(f"config change {change.id}")[0]
    assert (entry.actor, entry.action, entry.details["author"]) == ("watch", "config_reverted", "ann")
    assert entry.details["changes"] == "maturity_days: 45 → 30"
    (mail,) = watching.mails()
    assert (mail.recipients, mail.message["kind"], mail.message["taken_back"]) == (["ops@example.com"], "watch", True)
    assert mail.message["lines"] == ["maturity_days: 45 → 30"]
    assert watching.look_later(MINUTE) == {}


HARM: list[tuple[dict[str, Any], set[str]]] = [
    ({"response_time": 0.5}, {"latency"}),
    ({"prediction": 0.9}, {"high_risk", "score_shift"}),
    ({"cutoff": 0.1}, {"high_risk"}),
]


@pytest.mark.parametrize(("harm", "rules"), HARM)
def test_slow_or_odd_answers_take_a_change_back(watching: Watching, harm: dict[str, Any], rules: set[str]) -> None:
    change = watching.promote(maturity_days=45)
    watching.answer(timedelta(), **harm)
    assert set(watching.look_later()[change.id]) == rules
    assert watching.life.config.maturity_days == 30


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ({"proba_cutoff": 0.1}, {"cutoff": 0.1}),
        ({"aliases": {"champion": NEW, "challenger": NEW}}, {"prediction": 0.9}),
        ({"experiment": {"name": "x", "salt": "s", "arms": HALVES}}, {"prediction": 0.9}),
    ],
)
def test_what_a_change_is_meant_to_move_is_not_held_against_it(
    watching: Watching, values: dict[str, Any], kept: dict[str, Any]
) -> None:
    change = watching.promote(**values)
    watching.answer(timedelta(), **kept)
    assert watching.look_later() == {}
    watching.fail(-MINUTE, model=NEW)
    watching.fail(-MINUTE, model=OLD)
    assert watching.look_later(MINUTE) == {change.id: ["errors"]}


def test_a_cutoff_does_not_excuse_other_scores(watching: Watching) -> None:
    change = watching.promote(proba_cutoff=0.1)
    watching.answer(timedelta(), cutoff=0.1, prediction=0.9)
    assert watching.look_later() == {change.id: ["score_shift"]}


def test_what_was_no_better_before_is_kept_to_the_end_of_its_watch(watching: Watching) -> None:
    """Failures of the model that answered before count as well."""
    watching.fail(-3 * MINUTE, model=OLD)
    change = watching.promote(aliases={"champion": NEW, "challenger": NEW, "heuristic": "heuristic@1"})
    watching.fail(2 * MINUTE, model=NEW)
    watching.answer(timedelta())
    assert watching.look_later() == {}
    assert watching.changes.get(change.id).state == "promoted"
    assert watching.look_later(timedelta(minutes=10)) == {}
    done = watching.changes.get(change.id)
    assert (done.state, done.outcome) == ("kept", "kept: nothing broke in 400 answers")
    assert (watching.mails(), watching.told) == ([], ["promoted"])


def test_rules_that_are_off_take_nothing_back(watching: Watching) -> None:
    watching.life.change(guardrails={"errors": None, "high_risk": None, "score_shift": None})
    watching.promote(maturity_days=45)
    watching.answer(timedelta(), prediction=0.9)
    watching.fail(2 * MINUTE)
    assert watching.look_later() == {}


def test_few_answers_say_nothing(watching: Watching) -> None:
    change = watching.promote(maturity_days=45)
    watching.answer(timedelta(), 199, prediction=0.9)
    assert watching.look_later() == {}
    watching.answer(-MINUTE, 1, prediction=0.9)
    assert list(watching.look_later(MINUTE)) == [change.id]


def test_a_change_answers_for_the_time_until_the_next_one(watching: Watching) -> None:
    first = watching.promote(maturity_days=45, smallest_effect=0.05)
    watching.answer(PASSED)
    watching.clock.move(2 * PASSED)
    second = watching.changes.set_now({"maturity_days": 50}, "bob", "more")
    watching.answer(timedelta(seconds=5), prediction=0.9)
    assert set(watching.look_later()) == {second.id}
    kept = watching.changes.get(first.id)
    assert kept.state == "kept"
    assert f"until the configuration was changed again, revision {second.revision}" in (kept.outcome or "")
    assert (watching.life.config.maturity_days, watching.life.config.smallest_effect) == (45, 0.05)


def test_of_a_change_that_others_followed_only_what_they_left_alone_is_taken_back(watching: Watching) -> None:
    first = watching.promote(maturity_days=45, smallest_effect=0.05)
    watching.answer(timedelta(), prediction=0.9)
    watching.clock.move(2 * PASSED)
    watching.life.configure(maturity_days="7.5")  # which is set aside
    watching.changes.set_now({"maturity_days": 50}, "bob", "more")
    assert set(watching.look_later(MINUTE)) == {first.id}
    assert (watching.life.config.maturity_days, watching.life.config.smallest_effect) == (50, 0.02)
    assert (watching.changes.get(first.id).outcome or "").endswith("and left as it is: maturity_days.")


def test_the_rule_of_the_second_person_is_never_taken_back(watching: Watching) -> None:
    change = watching.promote(maturity_days=45, two_person_rule=True)
    watching.answer(timedelta(), prediction=0.9)
    assert set(watching.look_later()) == {change.id}
    assert (watching.life.config.maturity_days, watching.life.config.two_person_rule) == (30, True)
    assert (watching.changes.get(change.id).outcome or "").endswith("and left as it is: two_person_rule.")


def test_what_cannot_be_taken_back_is_told_once(watching: Watching) -> None:
    change = watching.promote(maturity_days=45)
    watching.answer(timedelta(), prediction=0.9)
    watching.clock.move(2 * PASSED)
    watching.changes.set_now({"maturity_days": 50}, "bob", "more")
    assert change.id in watching.look_later(MINUTE)
    done = watching.changes.get(change.id)
    assert (done.state, watching.life.config.maturity_days) == ("kept", 50)
    assert (done.outcome or "").startswith("could not be taken back (maturity_days: was changed again since")
    assert watching.life.audited(f"config change {change.id}")[0].action == "config_not_reverted"
    (mail,) = watching.mails()
    assert (mail.message["taken_back"], mail.message["change"]) == (False, change.id)
    assert change.id not in watching.look_later(MINUTE)


def test_nothing_is_taken_back_long_after_its_watch(watching: Watching) -> None:
    change = watching.promote(maturity_days=45)
    watching.answer(timedelta(), prediction=0.9)
    assert watching.look_later(timedelta(hours=3)) == {}
    done = watching.changes.get(change.id)
    assert (done.state, watching.life.config.maturity_days) == ("kept", 45)
    assert "nobody watched it to its end" in (done.outcome or "")


def test_what_people_brought_back_is_never_taken_back(watching: Watching) -> None:
    change = watching.promote(maturity_days=45)
    watching.answer(timedelta(), prediction=0.9)
    back = watching.changes.revert(change.base_revision, "ann", "it was worse")
    watching.answer(timedelta(), prediction=0.9)
    assert watching.look_later() == {}
    assert (watching.changes.get(change.id).state, watching.changes.get(back.id).state) == ("reverted", "kept")
    assert (watching.life.config.maturity_days, watching.told) == (30, ["promoted", "promoted"])
