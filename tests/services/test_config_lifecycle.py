"""A change goes from draft to promoted by steps that cannot be skipped, and what it does is seen before."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from data import config_change_store, config_store
from data.feature_store import Customer, replace_customers
from helpers.clock import SystemClock
from helpers.errors import UserError
from modeling.decorators.timing import Timed
from modeling.registry import ModelRegistry
from services.config.candidate import Candidate
from services.config.golden import Golden
from services.config.lifecycle import Lifecycle, NothingChanges, RehearsalFailed, UnknownChange
from services.config.model import ConfigRefused
from services.config.promoting import Moved
from tests.support.customers import customer_fields
from tests.support.lives import HALVES, Life
from tests.support.models import Trained

NOW = datetime(2026, 5, 6, tzinfo=UTC)
CUSTOMERS = 12


class Announced:
    """Counts how often the fleet was told."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> bool:
        self.times += 1
        return True


class Elsewhere:
    """A staging deployment that says what it is told to say."""

    def __init__(self, passed: bool) -> None:
        self.passed = passed
        self.asked: list[tuple[Mapping[str, str], str, int]] = []

    def try_out(self, candidate: Candidate, reason: str, customers: Sequence[Golden]) -> dict[str, Any]:
        self.asked.append((candidate.changes, reason, len(customers)))
        return {"passed": self.passed, "error": None if self.passed else "it answered 500"}


@pytest.fixture
def life(engine: Engine, trained: Trained) -> Life:
    rows = [Customer(f"c{n:02}", customer_fields(trained.schema, n), None, NOW) for n in range(CUSTOMERS)]
    with engine.begin() as connection:
        replace_customers(connection, rows)
    return Life(engine, trained.models_dir, trained.aliases)


@pytest.fixture
def told() -> Announced:
    return Announced()


@pytest.fixture
def changes(life: Life, told: Announced) -> Lifecycle:
    return Lifecycle(life.engine, life.registry, SystemClock(), told)


def table(life: Life) -> list[tuple[str, str, str | None]]:
    with life.engine.connect() as connection:
        return [(row.key, row.value, row.author) for row in config_store.history(connection)]


def test_a_change_goes_its_way(life: Life, changes: Lifecycle, told: Announced) -> None:
    draft = changes.draft({"proba_cutoff": "0.05", "feature_ttl_seconds": 300}, "ann", "too many leave")
    assert (draft.state, draft.changes) == ("draft", {"proba_cutoff": "0.05"})
    with pytest.raises(UserError, match="rehearse it first"):
        changes.promote(draft.id, "ann")
    rehearsed = changes.rehearse(draft.id, "ann")
    assert (rehearsed.state, rehearsed.base_revision) == ("rehearsed", draft.base_revision)
    assert changes.open_changes() == [rehearsed]
    assert (life.config.proba_cutoff, told.times) == (0.5, 0)

    revision = changes.promote(draft.id, "bob")
    assert (life.config.proba_cutoff, told.times) == (0.05, 1)
    done = changes.get(draft.id)
    assert (done.state, done.revision, done.promoted_by) == ("promoted", revision, "bob")
    assert done.watched_until is not None
    assert done.promoted_at is not None
    assert (done.watched_until - done.promoted_at).total_seconds() == 15 * 60
    assert table(life)[0] == ("proba_cutoff", "0.05", "ann")
    acts = [(entry.actor, entry.action) for entry in life.audited(f"config change {draft.id}")]
    assert acts == [("bob", "config_promoted"), ("ann", "config_rehearsed"), ("ann", "config_drafted")]
    promoted = life.audited(f"config change {draft.id}")[0]
    assert promoted.details["changes"] == "proba_cutoff: 0.5 → 0.05"
    assert promoted.details["reason"] == "too many leave"
    with pytest.raises(UserError, match="is promoted: draft another"):
        changes.promote(draft.id, "bob")


def test_the_rehearsal_tells_what_would_change(life: Life, changes: Lifecycle, trained: Trained) -> None:
    change = changes.draft({"proba_cutoff": 0.01, "experiment": {"name": "x", "salt": "s", "arms": HALVES}}, "ann", "x")
    report = changes.rehearse(change.id, "ann").rehearsal
    assert report is not None
    assert (report["customers"], report["errors"]) == (CUSTOMERS + 1, [])
    assert report["high_risk_after"] - report["high_risk_before"] == report["became_high"] - report["became_low"]
    assert report["became_high"] > 0
    assert 0 < report["arms_changed"] < CUSTOMERS
    assert report["arms_changed"] <= report["answers_changed"] == len(report["examples"])
    moved = next(each for each in report["examples"] if each["after"]["arm"] == "challenger")
    assert moved["before"]["arm"] == "champion"
    assert 0 < abs(moved["after"]["prediction"] - moved["before"]["prediction"]) <= report["largest_move"]
    assert [(each["key"], each["new"]) for each in report["changes"]][-1] == ("proba_cutoff", "0.01")


def test_nothing_of_a_rehearsal_is_recorded_and_the_holdout_stays_silent(life: Life, changes: Lifecycle) -> None:
    before = table(life)
    report = changes.preview({"holdout_percentage": 50}).report
    held = [each for each in report["examples"] if each["after"]["arm"] == "holdout"]
    assert 0 < len(held) == report["arms_changed"]
    assert {(each["after"]["prediction"], each["after"]["high_risk"]) for each in held} == {(None, None)}
    assert (table(life), changes.listing(10), life.audited()) == (before, [], [])


def test_a_rehearsal_asks_models_unnoticed(life: Life, trained: Trained) -> None:
    """Neither the cache nor the figures of monitoring, which are decorators, take it for traffic."""
    asked: list[str] = []
    registry = ModelRegistry(trained.models_dir, decorate=lambda model: Timed(model, lambda how, _: asked.append(how)))
    found = Lifecycle(life.engine, registry, SystemClock(), lambda: None).preview({"holdout_percentage": 50})
    assert (found.report["customers"], found.report["errors"]) == (CUSTOMERS + 1, [])
    assert set(asked) == {"predict", "explain"}  # of the check of each model when it is loaded


def test_without_a_reason_or_a_difference_there_is_no_change(life: Life, changes: Lifecycle) -> None:
    for act in (changes.draft, changes.set_now):
        with pytest.raises(UserError) as caught:
            act({"proba_cutoff": 0.6}, "ann", "  ")
        assert caught.value.field == "reason"
        with pytest.raises(NothingChanges):
            act({"proba_cutoff": "0.50", "two_person_rule": "no"}, "ann", "the same")
    assert changes.listing(10) == []


@pytest.mark.parametrize(
    ("values", "problems"),
    [
        ({"proba_cutoff": 7, "watch_minutes": "soon", "nonsense": 1}, {"nonsense"}),
        ({"proba_cutoff": 7, "watch_minutes": "soon"}, {"proba_cutoff", "watch_minutes"}),
        ({"experiment": '{"name": "half'}, {"experiment"}),
        ({"experiment": {"name": "x", "salt": "s", "arms": {"champion": 0.7}}}, {"experiment"}),
        ({"proba_cutoff": 0.6, "aliases": {"champion": "absent@1"}}, {"aliases"}),
        ({"aliases": {"champion": "additive@1", "not_used_yet": "absent@1"}}, {"aliases"}),
        ({"email_recipients": {"a": {1, 2}}}, {"email_recipients"}),
        ({"holdout_salt": "\ud800"}, {"holdout_salt"}),
        ({"holdout_salt": "x" * 70_000}, {"holdout_salt"}),
        ({"two_person_rule": "perhaps"}, {"two_person_rule"}),
    ],
)
def test_what_cannot_be_is_named_by_its_key(
    life: Life, changes: Lifecycle, values: dict[str, Any], problems: set[str]
) -> None:
    before = table(life)
    for act in (changes.draft, changes.set_now):
        with pytest.raises(ConfigRefused) as caught:
            act(values, "ann", "to see")
        assert set(caught.value.problems) == problems
    assert (table(life), changes.listing(10)) == (before, [])


def test_flags_are_spelled_one_way(life: Life, changes: Lifecycle) -> None:
    changes.set_now({"two_person_rule": True, "watch_minutes": 0}, "ann", "to see")
    assert set(table(life)[:2]) == {("two_person_rule", "true", "ann"), ("watch_minutes", "0", "ann")}


def test_a_rehearsal_of_another_configuration_does_not_count(life: Life, changes: Lifecycle) -> None:
    change = changes.rehearse(changes.draft({"proba_cutoff": 0.6}, "ann", "to see").id, "ann")
    life.configure(maturity_days="40")
    with pytest.raises(Moved, match="rehearse it again"):
        changes.promote(change.id, "ann")
    assert life.config.proba_cutoff == 0.5
    changes.rehearse(change.id, "ann")
    changes.promote(change.id, "ann")
    assert (life.config.proba_cutoff, life.config.maturity_days) == (0.6, 40)


def test_an_error_in_the_rehearsal_stops_the_change(
    life: Life, changes: Lifecycle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The challenger answers typical customers, and breaks at one of those known."""
    challenger = life.registry.load("gradient_boosting@1").model
    asked = type(challenger).predict_many

    def break_at_some(self: Any, data: Sequence[Any]) -> Any:
        if self is challenger and any(each == bad for each in data):
            raise ValueError("no such tenure")
        return asked(self, data)

    with life.engine.connect() as connection:
        after = changes.preview({"aliases": {**life.config.aliases, "champion": "gradient_boosting@1"}})
        bad = after.candidate.after.input_model.model_validate(after.customers[3].features)
        assert connection.closed is False
    monkeypatch.setattr(type(challenger), "predict_many", break_at_some)
    before = table(life)
    values = {"aliases": {**life.config.aliases, "champion": "gradient_boosting@1"}}
    with pytest.raises(RehearsalFailed, match="1 errors in its rehearsal; the first: client c02: ValueError") as caught:
        changes.set_now(values, "ann", "to see")
    stopped = caught.value.change
    assert (stopped.state, table(life)) == ("draft", before)
    assert [each["client_id"] for each in (stopped.rehearsal or {})["errors"]] == ["c02"]
    with pytest.raises(UserError, match="its rehearsal failed"):
        changes.promote(stopped.id, "ann")
    monkeypatch.undo()
    assert changes.rehearse(stopped.id, "ann").state == "rehearsed"


def test_a_second_person_approves_by_the_rule_before_the_change(life: Life, changes: Lifecycle) -> None:
    assert changes.set_now({"two_person_rule": True}, "ann", "four eyes").state == "promoted"
    waiting = changes.set_now({"two_person_rule": False, "proba_cutoff": 0.6}, "ann", "in a hurry")
    assert (waiting.state, life.config.two_person_rule) == ("rehearsed", True)
    with pytest.raises(UserError, match="waits for approval by somebody else than ann"):
        changes.promote(waiting.id, "bob")
    with pytest.raises(UserError, match="somebody else must approve"):
        changes.approve(waiting.id, "ann")
    approved = changes.approve(waiting.id, "bob")
    assert (approved.state, approved.approved_by) == ("approved", "bob")
    edited = changes.edit(waiting.id, {"proba_cutoff": 0.7}, "rather this", "bob")
    assert (edited.state, edited.approved_by, edited.author) == ("draft", None, "bob")
    changes.rehearse(waiting.id, "bob")
    changes.approve(waiting.id, "ann")
    changes.promote(waiting.id, "bob")
    assert (life.config.proba_cutoff, life.config.two_person_rule) == (0.7, True)


def test_what_was_approved_is_approved_anew_after_another_rehearsal(life: Life, changes: Lifecycle) -> None:
    changes.set_now({"two_person_rule": True}, "ann", "four eyes")
    waiting = changes.set_now({"proba_cutoff": 0.6}, "ann", "to see")
    changes.approve(waiting.id, "bob")
    assert changes.rehearse(waiting.id, "ann").approved_by is None


def test_nobody_approves_or_promotes_what_was_edited_since(life: Life, changes: Lifecycle) -> None:
    first = changes.rehearse(changes.draft({"proba_cutoff": 0.6}, "ann", "to see").id, "ann")
    assert changes.get(first.id).fingerprint == first.fingerprint
    others: list[dict[str, Any]] = [
        {"changes": {}},
        {"reason": "x"},
        {"author": "x"},
        {"base_revision": 0},
        {"rehearsal": None},
    ]
    assert len({first.fingerprint, *(replace(first, **other).fingerprint for other in others)}) == 6
    changes.edit(first.id, {"proba_cutoff": 0.7}, "to see", "ann")
    again = changes.rehearse(first.id, "ann")
    for act in (changes.approve, changes.promote):
        with pytest.raises(UserError, match="was edited since you looked: look again"):
            act(first.id, "bob", first.fingerprint)
    assert changes.get(first.id) == again
    changes.approve(first.id, "bob", again.fingerprint)
    changes.promote(first.id, "bob", again.fingerprint)
    assert life.config.proba_cutoff == 0.7


def test_an_abandoned_change_is_over(life: Life, changes: Lifecycle) -> None:
    change = changes.draft({"proba_cutoff": 0.6}, "ann", "to see")
    assert changes.abandon(change.id, "bob").state == "abandoned"
    assert changes.open_changes() == []
    for act in (changes.rehearse, changes.approve, changes.promote, changes.abandon):
        with pytest.raises(UserError, match="is abandoned: draft another"):
            act(change.id, "ann")
    with pytest.raises(UnknownChange):
        changes.get(change.id + 1)


def test_reverting_brings_all_values_back_and_says_what_became_of_the_changes(life: Life, changes: Lifecycle) -> None:
    first = changes.set_now({"proba_cutoff": 0.6, "watch_minutes": 0}, "ann", "to see")
    second = changes.set_now({"proba_cutoff": 0.7}, "ann", "more")
    third = changes.set_now({"maturity_days": 40}, "ann", "and this")
    assert first.revision is not None
    back = changes.revert(first.revision, "bob", "it was worse")
    assert (back.state, back.changes) == ("kept", {"maturity_days": "30", "proba_cutoff": "0.6"})
    assert (life.config.proba_cutoff, life.config.maturity_days) == (0.6, 30)
    states = {change.id: change.state for change in changes.listing(10)}
    assert states == {back.id: "kept", third.id: "reverted", second.id: "reverted", first.id: "promoted"}
    outcome = changes.get(second.id).outcome
    assert outcome == f"revision {first.revision} was brought back by change {back.id}"
    with pytest.raises(NothingChanges):
        changes.revert(first.revision, "bob", "again")
    with pytest.raises(UserError, match="there is no config revision 999999"):
        changes.revert(999_999, "bob", "to where")


def test_a_revert_that_waited_brings_back_what_changed_meanwhile_too(life: Life, changes: Lifecycle) -> None:
    base = changes.set_now({"two_person_rule": True}, "ann", "four eyes").revision
    life.change(proba_cutoff=0.7)
    assert base is not None
    waiting = changes.revert(base, "bob", "it was worse")
    later = changes.set_now({"maturity_days": 40}, "ann", "and this")
    changes.approve(later.id, "bob")
    changes.promote(later.id, "bob")
    again = changes.rehearse(waiting.id, "bob")
    assert again.changes == {"maturity_days": "30", "proba_cutoff": "0.5"}
    changes.approve(waiting.id, "ann")
    changes.promote(waiting.id, "bob")
    assert (life.config.proba_cutoff, life.config.maturity_days) == (0.5, 30)
    assert changes.get(later.id).state == "reverted"


def test_a_revert_that_is_edited_is_a_change_like_any_other(life: Life, changes: Lifecycle) -> None:
    """It is watched, and says of no change that it was taken back."""
    base = changes.set_now({"two_person_rule": True}, "ann", "four eyes").revision
    life.change(proba_cutoff=0.7)
    assert base is not None
    waiting = changes.revert(base, "bob", "it was worse")
    edited = changes.edit(waiting.id, {"contact_rest_days": 3}, "rather this", "bob")
    assert (edited.reverts_to, edited.changes) == (None, {"contact_rest_days": "3"})
    assert changes.rehearse(edited.id, "bob").changes == {"contact_rest_days": "3"}


def test_a_model_that_was_typed_and_never_was_does_not_stand_in_the_way_back(life: Life, changes: Lifecycle) -> None:
    life.configure(shadow='["never_trained@1"]')
    life.configure(experiment='{"arms": {"nobody": 1}}')
    first = changes.set_now({"proba_cutoff": 0.6}, "ann", "to see").revision
    changes.set_now({"proba_cutoff": 0.7}, "ann", "more")
    assert first is not None
    assert [(each.key, each.old, each.new) for each in changes.diff(first)] == [("proba_cutoff", "0.6", "0.7")]
    assert changes.revert(first, "bob", "it was worse").changes["proba_cutoff"] == "0.6"


@pytest.fixture
def own_models(trained: Trained, tmp_path: Path) -> Path:
    """Model folders that the test may change."""
    return Path(shutil.copytree(trained.models_dir, tmp_path / "models"))


def test_a_model_that_vanished_since_the_rehearsal_is_not_promoted(
    engine: Engine, trained: Trained, own_models: Path, told: Announced
) -> None:
    """This process holds it still; any other would set the rows aside."""
    life = Life(engine, own_models, trained.aliases)
    changes = Lifecycle(engine, life.registry, SystemClock(), told)
    aliases = {**trained.aliases, "champion": "catboost@1"}
    change = changes.rehearse(changes.draft({"aliases": aliases}, "ann", "better").id, "ann")
    shutil.rmtree(own_models / "catboost")
    before = table(life)
    with pytest.raises(UserError, match="catboost@1 is refused: there is no such folder"):
        changes.promote(change.id, "ann")
    assert (table(life), changes.get(change.id).state, told.times) == (before, "rehearsed", 0)


def test_a_model_that_was_in_force_and_is_gone_stands_in_the_way_back(
    engine: Engine, trained: Trained, own_models: Path, told: Announced
) -> None:
    life = Life(engine, own_models, trained.aliases)
    changes = Lifecycle(engine, life.registry, SystemClock(), told)
    done = changes.set_now({"shadow": ["catboost@1"]}, "ann", "to see").revision
    changes.set_now({"shadow": []}, "ann", "seen")
    shutil.rmtree(own_models / "catboost")
    later = Lifecycle(engine, ModelRegistry(own_models), SystemClock(), told)
    assert done is not None
    with pytest.raises(UserError, match="cannot be loaded any more: model catboost@1"):
        later.revert(done, "bob", "back")


def test_half_of_a_revision_cannot_be_brought_back(life: Life, changes: Lifecycle) -> None:
    done = changes.set_now({"proba_cutoff": 0.6, "maturity_days": 40}, "ann", "both")
    assert done.revision is not None
    with pytest.raises(UserError, match=f"there is no config revision {done.revision - 1}"):
        changes.revert(done.revision - 1, "bob", "one")


def test_history_has_every_revision_and_what_was_typed(life: Life, changes: Lifecycle) -> None:
    life.configure(proba_cutoff="7")
    life.configure(maturity_days="40")
    done = changes.set_now({"proba_cutoff": 0.6, "maturity_days": 50}, "ann", "both")
    newest, typed, refused, first = changes.history(10)
    assert (newest.revision, newest.author, newest.reason) == (done.revision, "ann", "both")
    assert {(each.key, each.old, each.new) for each in newest.changes} == {
        ("proba_cutoff", "0.5", "0.6"),
        ("maturity_days", "40", "50"),
    }
    assert (typed.author, typed.refused, typed.changes[0].old) == ("SQL", None, "30")
    assert (refused.author, refused.changes[0].new) == ("SQL", "7")
    assert "less than or equal to 0.99" in (refused.refused or "")
    assert first.changes[0].key == "aliases"
    assert [each.revision for each in changes.history(2)] == [newest.revision, typed.revision]
    assert changes.history(1)[0].changes == newest.changes
    assert [(each.key, each.new) for each in changes.diff(typed.revision)] == [
        ("proba_cutoff", "0.6"),
        ("maturity_days", "50"),
    ]
    assert [each.key for each in changes.diff(first.revision, typed.revision)] == ["maturity_days"]


def test_a_refused_row_gives_way_to_the_same_value_set_again(life: Life, changes: Lifecycle) -> None:
    life.configure(proba_cutoff="7")
    assert changes.set_now({"proba_cutoff": 0.5}, "ann", "clear it").changes == {"proba_cutoff": "0.5"}


def test_staging_comes_before_promotion(life: Life, told: Announced) -> None:
    staging = Elsewhere(passed=False)
    changes = Lifecycle(life.engine, life.registry, SystemClock(), told, staging)
    with pytest.raises(RehearsalFailed, match="staging: it answered 500") as caught:
        changes.set_now({"proba_cutoff": 0.6}, "ann", "to see")
    assert staging.asked == [({"proba_cutoff": "0.6"}, "to see", CUSTOMERS + 1)]
    assert (life.config.proba_cutoff, told.times, caught.value.change.state) == (0.5, 0, "draft")
    staging.passed = True
    assert changes.rehearse(caught.value.change.id, "ann").staging == {"passed": True, "error": None}
    changes.promote(caught.value.change.id, "ann")
    assert life.config.proba_cutoff == 0.6


def test_what_was_never_on_staging_is_not_promoted_past_it(life: Life, changes: Lifecycle, told: Announced) -> None:
    change = changes.rehearse(changes.draft({"proba_cutoff": 0.6}, "ann", "to see").id, "ann")
    later = Lifecycle(life.engine, life.registry, SystemClock(), told, Elsewhere(passed=True))
    with pytest.raises(UserError, match="was not tried out on staging"):
        later.promote(change.id, "ann")


def test_a_row_typed_in_between_is_noticed(life: Life) -> None:
    with life.engine.begin() as connection:
        base = config_store.latest_revision(connection)
        revision = config_store.append(connection, {"proba_cutoff": "0.6", "maturity_days": "40"}, "ann", "both")
        assert not config_store.overtaken(connection, base, revision)
        assert config_store.overtaken(connection, base - 1, revision)
    with life.engine.connect() as connection:
        assert config_change_store.newest(connection, 1) == []
