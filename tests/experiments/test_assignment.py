"""Assignment is sticky, fair, and moves nobody it need not move."""

import math
import os
import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.assignment import assign, in_holdout
from experiments.plan import HOLDOUT, Rules, plan

IDS = [f"client-{n}" for n in range(20_000)]
NAMES = ("champion", "challenger", "third", "fourth", "heuristic", "sixth")


def test_known_clients_stay_where_they_were_first_put() -> None:
    arms = {"champion": 0.5, "challenger": 0.5}
    in_champion = [n for n in range(12) if assign("salt", f"client-{n}", arms) == "champion"]
    assert in_champion == [0, 4, 5, 6, 8, 10, 11]


@given(st.lists(st.floats(0.05, 1), min_size=2, max_size=6), st.integers(0, 5), st.floats(1.01, 5))
def test_raising_one_share_moves_clients_only_into_that_arm(weights: list[float], chosen: int, factor: float) -> None:
    before = dict(zip(NAMES, weights, strict=False))
    raised = list(before)[chosen % len(before)]
    after = {**before, raised: before[raised] * factor}
    for client_id in IDS[:300]:
        old, new = assign("s", client_id, before), assign("s", client_id, after)
        assert new in (old, raised)


@pytest.mark.parametrize("shares", [(0.9, 0.1), (0.5, 0.3, 0.2), (0.25, 0.25, 0.25, 0.15, 0.1)])
def test_shares_come_out_as_configured(shares: tuple[float, ...]) -> None:
    arms = dict(zip(NAMES, shares, strict=False))
    counts = Counter(assign("salt", client_id, arms) for client_id in IDS)
    for arm, share in arms.items():
        error = math.sqrt(share * (1 - share) / len(IDS))
        assert abs(counts[arm] / len(IDS) - share) < 4 * error


def test_an_arm_without_a_share_gets_nobody() -> None:
    arms = {"champion": 1.0, "challenger": 0.0}
    assert {assign("salt", client_id, arms) for client_id in IDS[:500]} == {"champion"}


def test_no_arm_with_a_share_is_an_error() -> None:
    with pytest.raises(ValueError, match="no arm has a share"):
        assign("salt", "client", {"champion": 0.0})


def test_holdout_and_arms_are_independent() -> None:
    arms = {"champion": 0.5, "challenger": 0.5}
    held = [client_id for client_id in IDS if in_holdout("one salt", client_id, 20)]
    share = sum(assign("one salt", client_id, arms) == "champion" for client_id in held) / len(held)
    assert abs(len(held) / len(IDS) - 0.2) < 4 * math.sqrt(0.16 / len(IDS))
    assert abs(share - 0.5) < 4 * math.sqrt(0.25 / len(held))


def test_parts_never_run_into_each_other() -> None:
    arms = {f"arm{n}": 0.01 for n in range(100)}
    assert assign("ab", "c", arms) != assign("a", "bc", arms)


def test_assignment_is_the_same_in_every_process() -> None:
    code = (
        "from experiments.assignment import assign;"
        "print([assign('s', f'c{n}', {'a': .3, 'b': .3, 'c': .4}) for n in range(200)])"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert len(seen) == 1


def test_a_held_out_client_is_scored_silently_by_the_arm_it_would_have_met() -> None:
    rules = Rules("salt", {"champion": 0.5, "challenger": 0.5}, ("heuristic",), 50.0, "holdout")
    plans = {client_id: plan(rules, client_id) for client_id in IDS[:400]}
    held = {client_id: found for client_id, found in plans.items() if found.arm == HOLDOUT}
    assert 100 < len(held) < 300
    for client_id, found in held.items():
        assert found.silent == (assign("salt", client_id, rules.arms), "heuristic")
    assert all(found.silent == ("heuristic",) for key, found in plans.items() if key not in held)
