"""A change is made as a whole, by one at a time, and written down; one that would not hold changes nothing."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine

from data import config_store
from helpers.clock import SystemClock
from services.config.changes import turn
from services.config.model import ConfigRefused
from tests.support.lives import HALVES, Life
from tests.support.models import Trained


@pytest.fixture
def life(engine: Engine, trained: Trained) -> Life:
    return Life(engine, trained.models_dir, trained.aliases)


def table(life: Life) -> list[tuple[str, str]]:
    with life.engine.connect() as connection:
        return [(row.key, row.value) for row in config_store.newest_rows(connection)]


def test_a_change_is_in_force_and_in_the_audit_log(life: Life) -> None:
    revision = life.change(proba_cutoff=0.65, shadow=["heuristic"], email_recipients=["a@example.com"])
    assert (life.config.proba_cutoff, life.config.shadow) == (0.65, ("heuristic",))
    with life.engine.connect() as connection:
        rows = config_store.newest_rows(connection)
    assert {(row.revision, row.author, row.reason) for row in rows if row.key != "aliases"} == {
        (revision, "ann", "because")
    }
    (entry,) = life.audited("config")
    assert (entry.actor, entry.action) == ("ann", "config_changed")
    assert entry.details == {
        "revision": str(revision),
        "keys": "email_recipients, proba_cutoff, shadow",
        "reason": "because",
    }


@pytest.mark.parametrize(
    ("values", "keys"),
    [
        ({"proba_cutoff": 7}, {"proba_cutoff"}),
        ({"proba_cutof": 0.5}, {"proba_cutof"}),
        ({"proba_cutoff": 0.6, "shadow": ["absent@1"]}, {"shadow"}),
        ({"experiment": {"name": "holdout/2026-11", "salt": "s", "arms": HALVES}}, {"experiment"}),
        ({"experiment": {"name": "x", "salt": "layers", "arms": HALVES}}, {"experiment"}),
        ({"layers": {"main": {"share": 0.1, "experiment": {"name": "x", "salt": "s", "arms": HALVES}}}}, {"layers"}),
        ({"layers": {"a": {"share": 0.995, "experiment": {"name": "x", "salt": "s", "arms": HALVES}}}}, {"layers"}),
        ({"guardrails": {"error": 0.1}}, {"guardrails"}),
        ({"alert_recipients": ["nobody"]}, {"alert_recipients"}),
    ],
)
def test_what_would_not_hold_together_changes_nothing_and_is_named(
    life: Life, values: dict[str, object], keys: set[str]
) -> None:
    before = table(life)
    with pytest.raises(ConfigRefused) as caught:
        life.change(**values)
    assert set(caught.value.problems) == keys
    assert table(life) == before
    assert life.audited() == []


def test_layers_may_not_fill_up_nor_share_a_name(life: Life) -> None:
    half = {"share": 0.5, "experiment": {"name": "x", "salt": "s", "arms": HALVES}}
    with pytest.raises(ConfigRefused, match=r"sum to 1; they may sum to 0\.99 at most"):
        life.change(layers={"a": half, "b": {**half, "experiment": {**half["experiment"], "name": "y"}}})  # type: ignore[dict-item]
    with pytest.raises(ConfigRefused, match="two experiments are called 'x'"):
        life.change(layers={"a": half}, experiment=half["experiment"])


def test_the_arms_of_a_running_experiment_are_refused_here_too(life: Life) -> None:
    life.change(experiment={"name": "x", "salt": "s", "arms": HALVES})
    reason = "experiment 'x' is running: its arms cannot change; end it and start the next under a new name"
    with pytest.raises(ConfigRefused, match=reason):
        life.change(experiment={"name": "x", "salt": "s", "arms": {"champion": 0.9, "challenger": 0.1}})
    assert life.config.experiment.arms == HALVES


def test_those_who_read_and_then_change_take_turns(life: Life) -> None:
    def add(name: str) -> None:
        with turn(life.engine, life.registry, SystemClock()) as mine:
            mine.apply({"paused": [*mine.config().paused, name]}, "ann", "one more")

    names = [f"n{n}" for n in range(8)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, names))
    assert sorted(life.config.paused) == names
