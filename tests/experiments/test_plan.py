"""Layers exclude each other, stay clear of arms and holdout, and cost nothing where there are none."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from unittest.mock import patch

import pytest
from scipy.stats import chi2_contingency

from experiments import assignment
from experiments.assignment import assign, in_holdout
from experiments.plan import HOLDOUT, Layer, Plan, Rules, control, plan

IDS = [f"client-{n}" for n in range(20_000)]
HALVES = {"champion": 0.5, "challenger": 0.5}
BARE = Rules("autumn", HALVES, ("heuristic",), 10.0, "held", "autumn")


def layered(**shares: float) -> Rules:
    """Each layer runs an experiment of its own name over two arms."""
    return replace(BARE, layers={name: Layer(share, name, HALVES, name) for name, share in shares.items()})


def layers_of(rules: Rules) -> dict[str, str | None]:
    return {client_id: plan(rules, client_id).layer for client_id in IDS}


def counts(*columns: list[object]) -> list[list[int]]:
    """The table of contingency of two columns."""
    seen = Counter(zip(*columns, strict=True))
    rows, others = (sorted(set(column), key=str) for column in columns)
    return [[seen[row, other] for other in others] for row in rows]


def test_each_client_is_in_one_experiment_that_of_its_layer_or_the_main_one() -> None:
    rules = layered(tenth=0.1, fifth=0.2)
    for client_id in IDS[:2_000]:
        found = plan(rules, client_id)
        assert found.experiment == (found.layer or "autumn")
    sizes = Counter(layers_of(rules).values())
    for layer, share in {None: 0.7, "tenth": 0.1, "fifth": 0.2}.items():
        assert abs(sizes[layer] / len(IDS) - share) < 4 * math.sqrt(share * (1 - share) / len(IDS))


def test_a_layer_that_grows_at_the_cost_of_the_main_experiment_takes_clients_and_gives_none() -> None:
    before, after = layers_of(layered(tenth=0.1)), layers_of(layered(tenth=0.3))
    moved = {(before[client_id], after[client_id]) for client_id in IDS if before[client_id] != after[client_id]}
    assert moved == {(None, "tenth")}


def test_beside_other_layers_it_is_the_only_one_that_takes_their_clients() -> None:
    before, after = layers_of(layered(tenth=0.1, fifth=0.2)), layers_of(layered(tenth=0.3, fifth=0.2))
    moved = {(before[client_id], after[client_id]) for client_id in IDS if before[client_id] != after[client_id]}
    assert moved == {(None, "tenth"), ("fifth", "tenth"), (None, "fifth")}
    assert Counter(after.values())["fifth"] == pytest.approx(4_000, abs=4 * math.sqrt(3_200))


def test_layers_arms_and_holdout_are_independent() -> None:
    """Even where all the salts but that of the layers are one."""
    rules = replace(BARE, salt="one", holdout_salt="one", layers={"half": Layer(0.5, "one", HALVES, "x")})
    found = [plan(rules, client_id) for client_id in IDS]
    layers: list[object] = [each.layer for each in found]
    held: list[object] = [each.arm == HOLDOUT for each in found]
    arms: list[object] = [each.silent[0] if each.arm == HOLDOUT else each.arm for each in found]
    for pair in ((layers, arms), (layers, held), (arms, held)):
        assert chi2_contingency(counts(*pair)).pvalue > 0.001


def test_the_holdout_is_above_the_layers() -> None:
    rules = layered(tenth=0.5)
    for client_id in IDS[:2_000]:
        found = plan(rules, client_id)
        assert (found.arm == HOLDOUT) == in_holdout("held", client_id, 10.0)
        if found.arm == HOLDOUT:
            assert found.silent == (assign(found.experiment or "", client_id, HALVES), "heuristic")


def test_without_layers_no_client_is_hashed_for_them() -> None:
    def drawn(rules: Rules) -> int:
        with patch.object(assignment, "_uniform", wraps=assignment._uniform) as uniform:
            plan(rules, "client-1")
        return uniform.call_count

    assert drawn(BARE) == 3  # two arms and the holdout
    assert drawn(layered(tenth=0.1)) == 5


def test_where_nobody_is_enrolled_the_plan_says_so() -> None:
    rules = replace(BARE, arms={"champion": 1.0}, experiment=None, holdout_percentage=0.0)
    assert plan(rules, "client-1") == Plan("champion", ("heuristic",), None, None)


@pytest.mark.parametrize(
    ("arms", "expected"),
    [
        ({"challenger": 0.9, "champion": 0.1}, "champion"),
        ({"b": 0.3, "a": 0.3, "c": 0.4}, "c"),
        ({"b": 0.5, "a": 0.5}, "a"),
        ({"champion": 0.0, "b": 0.4, "a": 0.6}, "a"),
    ],
)
def test_the_control_is_the_champion_or_the_largest_arm(arms: Mapping[str, float], expected: str) -> None:
    assert control(arms) == expected
