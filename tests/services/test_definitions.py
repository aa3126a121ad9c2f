"""A known experiment keeps its arms, whoever types what: the table alone decides it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from data.config_store import ConfigRow
from services.config.model import ConfigRefused, LiveConfig
from services.config.parts import Experiment
from services.config.reading import Reading, read_config, read_table
from services.runs import runs_of

HALVES = {"champion": 0.5, "challenger": 0.5}
TENTH = {"champion": 0.9, "challenger": 0.1}
ALIASES = {"champion": "a@1", "challenger": "b@1"}


def row(number: int, key: str, value: Any, revision: int | None = None) -> ConfigRow:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    text = value if isinstance(value, str) else json.dumps(value)
    return ConfigRow(id=number, inserted_at=at, key=key, value=text, revision=revision, author=None, reason=None)


def experiment(name: str, arms: dict[str, float], salt: str = "s") -> dict[str, Any]:
    return {"name": name, "salt": salt, "arms": arms}


def layer(name: str, share: float, *, called: str = "side", salt: str = "s") -> dict[str, Any]:
    return {called: {"share": share, "experiment": experiment(name, HALVES, salt)}}


def build(config: LiveConfig) -> LiveConfig:
    """Every alias must be known, as if its model were to be loaded."""
    for key, experiments in (("experiment", config.experiments[:1]), ("layers", config.experiments[1:])):
        unknown = [arm for each in experiments for arm in each.arms if arm not in config.aliases]
        if unknown:
            raise ConfigRefused(dict.fromkeys(("aliases", key), f"no {unknown[0]}"))
    return config


def read(*rows: ConfigRow) -> Reading[LiveConfig]:
    return read_config(sorted((row(0, "aliases", ALIASES), *rows), key=lambda each: -each.id), build)


def in_force(reading: Reading[LiveConfig]) -> tuple[str, dict[str, float]]:
    return reading.built.experiment.name, reading.built.experiment.arms


@pytest.mark.parametrize(
    ("edited", "said"),
    [
        (experiment("x", TENTH), "arms"),
        (experiment("x", {"champion": 1.0}), "arms"),
        (experiment("x", HALVES, "other"), "salt"),
    ],
)
def test_a_running_experiment_keeps_its_arms_and_its_salt(edited: dict[str, Any], said: str) -> None:
    reading = read(row(1, "experiment", experiment("x", HALVES)), row(2, "experiment", edited))
    assert in_force(reading) == ("x", HALVES)
    (refused,) = reading.refused
    reason = f"experiment 'x' is running: its {said} cannot change; end it and start the next under a new name"
    assert (refused.id, refused.key, refused.reason) == (2, "experiment", reason)


@pytest.mark.parametrize(
    ("edited", "said"),
    [
        (layer("y", 0.3), "layer's share"),
        (layer("y", 0.2, called="other"), "layer"),
        (layer("y", 0.2, salt="other"), "salt"),
    ],
)
def test_so_does_one_in_a_layer_and_the_layer_keeps_its_share(edited: dict[str, Any], said: str) -> None:
    reading = read(row(1, "layers", layer("y", 0.2)), row(2, "layers", edited))
    assert reading.built.layers["side"].share == 0.2
    assert f"'y' is running: its {said} cannot change" in reading.refused[0].reason


def test_an_experiment_does_not_move_into_a_layer() -> None:
    reading = read(
        row(1, "experiment", experiment("x", HALVES)),
        row(2, "experiment", experiment("next", HALVES)),
        row(3, "layers", layer("x", 0.2)),
    )
    assert reading.built.layers == {}
    assert "'x' was used before, and its layer differed: choose a new name" in reading.refused[0].reason


def test_a_name_that_was_used_with_other_arms_is_refused() -> None:
    first, second = row(1, "experiment", experiment("x", HALVES)), row(2, "experiment", experiment("y", HALVES))
    reading = read(first, second, row(3, "experiment", experiment("x", TENTH)))
    assert in_force(reading) == ("y", HALVES)
    assert reading.refused[0].reason.startswith("experiment 'x' was used before")


def test_the_very_same_arms_may_come_back() -> None:
    rows = [row(1, "experiment", experiment("x", HALVES)), row(2, "experiment", experiment("y", HALVES))]
    back = row(3, "experiment", experiment("x", {**HALVES, "third": 0.0}))
    known = row(4, "aliases", {**ALIASES, "third": "c@1"})
    assert read(*rows, back, known).built.experiment.name == "x"


def test_an_edit_that_was_refused_does_not_count() -> None:
    rows = [row(n, "experiment", experiment("x", arms)) for n, arms in enumerate((HALVES, TENTH, HALVES), 1)]
    reading = read(*rows)
    assert in_force(reading) == ("x", HALVES)
    assert reading.refused == ()


@pytest.mark.parametrize(
    "typo",
    [
        experiment("x", {"champion": 0.5, "chalenger": 0.5}),
        experiment("x", {"champion": 0.5, "challenger": 0.4}),
        experiment("x", {"champion": 1.0}),
    ],
)
def test_what_never_compared_anything_does_not_count(typo: dict[str, Any]) -> None:
    reading = read(row(1, "experiment", typo), row(2, "experiment", experiment("x", HALVES)))
    assert in_force(reading) == ("x", HALVES)
    assert reading.refused == ()


def test_what_came_into_force_late_counts() -> None:
    """Its model was named only after somebody had typed something else in vain."""
    waiting = row(1, "experiment", experiment("x", {"champion": 0.5, "late": 0.5}))
    rows = (waiting, row(2, "experiment", "[]"), row(3, "aliases", {**ALIASES, "late": "c@1"}))
    assert in_force(read(*rows)) == ("x", {"champion": 0.5, "late": 0.5})
    reading = read(*rows, row(4, "experiment", experiment("x", HALVES)))
    assert in_force(reading) == ("x", {"champion": 0.5, "late": 0.5})


def test_traffic_for_the_champion_alone_may_take_any_name_that_does_not_run() -> None:
    rows = [row(1, "experiment", experiment("default", HALVES)), row(2, "experiment", experiment("x", HALVES))]
    assert in_force(read(*rows, row(3, "experiment", experiment("default", {"champion": 1.0})))) == (
        "default",
        {"champion": 1.0},
    )


def test_what_was_changed_together_with_the_arms_is_set_aside_with_them() -> None:
    reading = read(
        row(1, "experiment", experiment("x", HALVES)),
        row(2, "proba_cutoff", "0.9", revision=3),
        row(3, "experiment", experiment("x", TENTH), revision=3),
    )
    assert (reading.built.proba_cutoff, in_force(reading)) == (0.5, ("x", HALVES))


@pytest.mark.parametrize("between", [10, 60, 700])
def test_however_long_ago_a_name_was_used_it_is_remembered(between: int) -> None:
    names = [experiment("x", HALVES), *(experiment(f"n{n}", HALVES) for n in range(between)), experiment("x", TENTH)]
    rows = [row(0, "aliases", ALIASES), *(row(n, "experiment", each) for n, each in enumerate(names, 1))][::-1]

    def rows_at(depth: int) -> list[ConfigRow]:
        return [each for key in ("experiment", "aliases") for each in [r for r in rows if r.key == key][:depth]]

    assert in_force(read_table(rows_at, build)) == (f"n{between - 1}", HALVES)


_arms = st.sampled_from([HALVES, TENTH, {"champion": 1.0}, {"champion": 0.5, "typo": 0.5}])
_experiments = st.builds(experiment, st.sampled_from("xy"), _arms, st.sampled_from("st"))
_layers = st.builds(layer, st.sampled_from("xy"), st.sampled_from((0.1, 0.2)))
_changes = st.one_of(
    st.tuples(st.just("experiment"), _experiments),
    st.tuples(st.just("layers"), st.one_of(_layers, st.just({}))),
    st.tuples(st.just("proba_cutoff"), st.sampled_from(["0.4", "7"])),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(_changes, min_size=2, max_size=9))
@example(
    [
        ("experiment", experiment("y", {"champion": 0.5, "typo": 0.5})),
        ("layers", layer("x", 0.1)),
        ("layers", layer("y", 0.1)),  # comes into force by the refusal of the next
        ("layers", layer("x", 0.2)),
        ("experiment", experiment("y", HALVES)),
        ("layers", {}),
    ]
)
def test_whatever_is_typed_a_name_never_stands_for_two_experiments(changes: list[tuple[str, Any]]) -> None:
    rows = [row(n, key, value) for n, (key, value) in enumerate(changes, 1)]
    known: dict[str, Any] = {}
    for end in range(1, len(rows) + 1):
        config = read(*rows[:end]).built
        met = [(config.experiment, None), *((each.experiment, each.share) for each in config.layers.values())]
        for one, share in met:
            if one.compares:
                assert known.setdefault(one.name, _drawn(one, share)) == _drawn(one, share)


@settings(max_examples=100, deadline=None)
@given(st.lists(_changes, min_size=1, max_size=9))
def test_the_runs_that_go_on_are_the_experiments_in_force(changes: list[tuple[str, Any]]) -> None:
    rows = [row(0, "aliases", ALIASES), *(row(n, key, value) for n, (key, value) in enumerate(changes, 1))]
    running = {(run.name, run.layer, run.share) for run in runs_of(rows) if run.running}
    config = read(*rows[1:]).built
    met = [
        (config.experiment, None, None),
        *((each.experiment, name, each.share) for name, each in config.layers.items()),
    ]
    assert running == {(one.name, place, share) for one, place, share in met if one.compares}


def _drawn(one: Experiment, share: float | None) -> Any:
    return one.salt, {arm: one.arms[arm] for arm in one.open_arms}, share
