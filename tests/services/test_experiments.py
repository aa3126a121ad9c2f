"""Experiments start, pause, end and climb; the config table remembers when, and people what they concluded."""

from typing import Any

import pytest
from sqlalchemy import Engine

from helpers.errors import UserError
from services.experiments import runs
from services.snapshot import rules_of
from tests.support.lives import HALVES, Life
from tests.support.models import Trained

CHALLENGER = "gradient_boosting@1"


@pytest.fixture
def life(engine: Engine, trained: Trained) -> Life:
    return Life(engine, trained.models_dir, trained.aliases)


def test_an_experiment_runs_from_its_start_to_its_end(life: Life) -> None:
    assert runs(life.engine) == []
    life.start("autumn")
    started = life.run("autumn")
    assert (started.running, started.salt, started.arms) == (True, "autumn", HALVES)
    assert (started.author, started.reason, started.layer, started.winner) == ("ann", "to see", None, None)

    life.experiments.stop("autumn", "challenger", "keeps more clients", "bob")
    ended = life.run("autumn")
    assert ended.stopped_at is not None
    assert ended.stopped_at >= ended.started_at == started.started_at
    assert (ended.winner, ended.note, ended.decided_by) == ("challenger", "keeps more clients", "bob")
    assert not life.config.experiment.compares
    (concluded,) = life.audited("autumn")
    assert (concluded.action, concluded.details["winner"]) == ("experiment_concluded", "challenger")


def test_one_follows_another(life: Life) -> None:
    life.start("first")
    with pytest.raises(UserError, match="'first' is running: stop it first, or start this one in a layer"):
        life.start("second")
    life.experiments.stop("first", None, "no difference", "ann")
    life.start("second")
    assert [(run.name, run.running) for run in runs(life.engine)] == [("second", True), ("first", False)]
    life.experiments.stop("second", None, "", "ann")
    with pytest.raises(UserError, match="there was an experiment 'first' before"):
        life.start("first", arms={"champion": 0.9, "challenger": 0.1})


def test_layers_run_experiments_of_their_own(life: Life) -> None:
    life.start("main")
    with pytest.raises(UserError, match="say what share"):
        life.start("side", layer="tenth")
    life.start("side", layer="tenth", share=0.1)
    assert (life.run("side").layer, life.run("side").share) == ("tenth", 0.1)
    with pytest.raises(UserError, match="'side' is running in layer 'tenth'"):
        life.start("other", layer="tenth")

    life.experiments.stop("side", "champion", "", "ann")
    assert (life.config.layers["tenth"].share, life.config.layers["tenth"].experiment.compares) == (0.1, False)
    assert life.run("main").running
    life.start("next", layer="tenth")
    assert life.run("next").share == 0.1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"arms": {"champion": 1.0}}, "two arms"),
        ({"arms": {"champion": 0.5, "absent@1": 0.5}}, "absent@1"),
        ({"arms": {"champion": 0.5, "challenger": 0.4}}, "sum to 0.9"),
        ({"share": 0.1}, "name the layer"),
        ({"layer": "holdout", "share": 0.1}, "holdout"),
    ],
)
def test_what_cannot_be_started_is_refused(life: Life, given: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        life.start("x", **given)
    assert runs(life.engine) == []


def test_while_it_is_paused_everybody_meets_the_champion_and_nobody_is_enrolled(life: Life) -> None:
    life.start("autumn")
    life.experiments.pause("autumn", "ann", "it looks slow")
    assert (life.run("autumn").paused, life.run("autumn").paused_because) == (True, "it looks slow")
    rules = rules_of(life.config)
    assert (rules.arms, rules.experiment) == ({"champion": 1.0}, None)
    with pytest.raises(UserError, match="paused already"):
        life.experiments.pause("autumn", "ann", "")

    life.experiments.resume("autumn", "ann", "it is not")
    assert (life.run("autumn").paused, life.run("autumn").paused_because) == (False, None)
    assert rules_of(life.config).experiment == "autumn"
    with pytest.raises(UserError, match="not paused"):
        life.experiments.resume("autumn", "ann", "")


def test_an_end_takes_the_pause_with_it(life: Life) -> None:
    life.start("autumn")
    life.experiments.pause("autumn", "ann", "")
    life.experiments.stop("autumn", None, "", "ann")
    assert life.config.paused == ()


def test_a_verdict_may_follow_an_end_and_be_revised(life: Life) -> None:
    life.configure(experiment={"name": "typed", "salt": "s", "arms": HALVES})
    life.configure(experiment={"name": "over", "salt": "s", "arms": {"champion": 1.0}})
    assert life.run("typed").stopped_at is not None
    assert life.experiments.stop("typed", "challenger", "first look", "ann") is None
    life.experiments.stop("typed", None, "second look", "bob")
    assert (life.run("typed").winner, life.run("typed").decided_by) == (None, "bob")
    with pytest.raises(UserError, match="is no arm of 'typed': choose of"):
        life.experiments.stop("typed", "heuristic", "", "ann")
    with pytest.raises(UserError, match="there is no experiment 'never'"):
        life.experiments.stop("never", None, "", "ann")


def test_what_is_written_down_may_be_long_but_not_endless(life: Life) -> None:
    life.start("autumn")
    long, longer = "😀" * 10_000, "x" * 10_001
    for act in (life.experiments.pause, life.experiments.resume):
        with pytest.raises(UserError, match="the reason may have 10,000 characters at most; this one has 10,001") as no:
            act("autumn", "ann", longer)
        assert no.value.field == "reason"
        act("autumn", "ann", long)
    with pytest.raises(UserError, match="the note may have 10,000 characters") as no:
        life.experiments.stop("autumn", None, longer, "ann")
    assert (no.value.field, life.run("autumn").running) == ("note", True)
    life.experiments.stop("autumn", None, long, "ann")
    assert life.run("autumn").note == long


def test_what_was_never_in_force_made_no_run(life: Life) -> None:
    life.configure(experiment={"name": "typo", "salt": "s", "arms": {"champion": 0.5, "chalenger": 0.5}})
    life.configure(experiment={"name": "x", "salt": "s", "arms": HALVES})
    life.configure(experiment={"name": "x", "salt": "other", "arms": HALVES})
    life.configure(experiment="nonsense")
    (run,) = runs(life.engine)
    assert (run.name, run.salt, run.author, run.running) == ("x", "s", None, True)


def test_what_is_brought_back_unchanged_is_one_run(life: Life) -> None:
    x, y = ({"name": name, "salt": "s", "arms": HALVES} for name in "xy")
    for each in (x, y, x):
        life.configure(experiment=each)
    assert [(run.name, run.running) for run in runs(life.engine)] == [("y", False), ("x", True)]


def test_a_model_climbs_from_shadow_to_champion(life: Life) -> None:
    seen = []
    for _ in range(4):
        step = life.experiments.advance(CHALLENGER, "ann", "")
        config = life.config
        seen.append((step.before, step.after, config.experiment.name, dict(config.experiment.arms), config.shadow))
    name = "gradient_boosting-1"
    one, five = {"champion": 1.0}, {"champion": 0.95, CHALLENGER: 0.05}
    assert seen == [
        ("none", "shadow", "default", one, (CHALLENGER,)),
        ("shadow", "canary", f"{name}-canary", five, (CHALLENGER,)),
        ("canary", "ab", f"{name}-ab", {"champion": 0.5, CHALLENGER: 0.5}, (CHALLENGER,)),
        ("ab", "champion", "default", one, ()),
    ]
    assert life.config.aliases["champion"] == CHALLENGER
    canary, test = life.run(f"{name}-canary"), life.run(f"{name}-ab")
    assert canary.salt == test.salt
    assert (canary.winner, test.winner, test.running) == (None, CHALLENGER, False)
    with pytest.raises(UserError, match="champion already"):
        life.experiments.advance(CHALLENGER, "ann", "")


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_it_may_go_back_to_the_champion_from_any_step_and_climb_again(life: Life, steps: int) -> None:
    for _ in range(steps):
        life.experiments.advance(CHALLENGER, "ann", "")
    life.experiments.retreat(CHALLENGER, "ann", "slow")
    assert (life.config.shadow, life.config.experiment.compares) == ((), False)
    assert [run for run in runs(life.engine) if run.running] == []
    for _ in range(3):
        life.experiments.advance(CHALLENGER, "ann", "")
    assert life.config.experiment.arms[CHALLENGER] == 0.5
    with pytest.raises(UserError, match="on no step"):
        life.experiments.retreat("heuristic", "ann", "")


def test_nobody_climbs_in_a_pause_or_past_another_experiment(life: Life) -> None:
    life.start("autumn")
    life.experiments.advance("heuristic", "ann", "")
    with pytest.raises(UserError, match="'autumn' is running: stop it first"):
        life.experiments.advance("heuristic", "ann", "")
    life.experiments.stop("autumn", None, "", "ann")
    life.experiments.advance("heuristic", "ann", "")
    life.experiments.pause("heuristic-1-canary", "ann", "")
    with pytest.raises(UserError, match="is paused: resume it"):
        life.experiments.advance("heuristic", "ann", "")
    life.experiments.retreat("heuristic", "ann", "")
    assert (life.config.paused, life.config.shadow) == ((), ())


def test_an_experiment_with_more_arms_is_no_step_of_the_ladder(life: Life) -> None:
    life.start("three", arms={"champion": 0.8, "challenger": 0.1, "heuristic": 0.1})
    for act in (life.experiments.advance, life.experiments.retreat):
        with pytest.raises(UserError, match="'three' has other arms"):
            act("challenger", "ann", "")


def test_where_two_people_decide_nobody_starts_or_advances_alone(life: Life) -> None:
    life.start("autumn")
    life.change(two_person_rule=True)
    life.experiments.pause("autumn", "ann", "to see")
    life.experiments.resume("autumn", "ann", "seen")
    life.experiments.stop("autumn", None, "", "ann")
    before = life.config
    for act in (lambda: life.start("winter"), lambda: life.experiments.advance(CHALLENGER, "ann", "")):
        with pytest.raises(UserError, match="two_person_rule: it is on; make this change on the Config page"):
            act()
    assert life.config == before
