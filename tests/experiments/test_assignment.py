"""Assignment is sticky, fair, and moves nobody it need not move."""

import math
import os
import subprocess
import sys
from collections import Counter
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency

from experiments.assignment import assign, in_holdout
from experiments.plan import HOLDOUT, Rules, plan

IDS = [f"client-{n}" for n in range(20_000)]
MANY = [f"{n:06d}-ü" for n in range(100_000)]
NAMES = ("champion", "challenger", "third", "fourth", "heuristic", "sixth")
SHARES = {
    2: (0.9, 0.1),
    3: (0.5, 0.3, 0.2),
    4: (0.7, 0.1, 0.1, 0.1),
    5: (0.25, 0.25, 0.25, 0.15, 0.1),
    6: (0.5, 0.2, 0.1, 0.1, 0.08, 0.02),
}


def shared(count: int) -> dict[str, float]:
    return dict(zip(NAMES, SHARES[count], strict=False))


def raised(arms: dict[str, float], arm: str, by: float) -> dict[str, float]:
    """The share of `arm` raised by `by`, taken from the others in proportion."""
    rest = (1 - arms[arm] - by) / (1 - arms[arm])
    return {name: share + by if name == arm else share * rest for name, share in arms.items()}


@cache
def met(count: int) -> list[str]:
    """The arm of each of the many clients when there are `count` arms."""
    arms = shared(count)
    return [assign("salt", client_id, arms) for client_id in MANY]


@cache
def held(salt: str) -> list[bool]:
    return [in_holdout(salt, client_id, 10) for client_id in MANY]


def chance(one: list[object], other: list[object]) -> float:
    """p-value of the chi-square test that two draws over the same clients are independent."""
    pairs = Counter(zip(one, other, strict=True))
    rows, columns = sorted(set(one), key=str), sorted(set(other), key=str)
    return float(chi2_contingency([[pairs[row, column] for column in columns] for row in rows]).pvalue)


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


@pytest.mark.parametrize("count", SHARES)
def test_of_100_000_clients_only_those_move_whom_the_raised_arm_needs(count: int) -> None:
    arm = NAMES[count - 1]
    arms = raised(shared(count), arm, by=0.05)
    moves = Counter((old, assign("salt", key, arms)) for key, old in zip(MANY, met(count), strict=True))
    moved = {pair: number for pair, number in moves.items() if pair[0] != pair[1]}
    assert {new for _, new in moved} == {arm}
    assert abs(sum(moved.values()) / len(MANY) - 0.05) < 4 * math.sqrt(0.05 * 0.95 / len(MANY))


@pytest.mark.parametrize("count", SHARES)
def test_shares_come_out_as_configured(count: int) -> None:
    counts = Counter(met(count))
    for arm, share in shared(count).items():
        error = math.sqrt(share * (1 - share) / len(MANY))
        assert abs(counts[arm] / len(MANY) - share) < 4 * error


def test_an_arm_without_a_share_gets_nobody() -> None:
    arms = {"champion": 1.0, "challenger": 0.0}
    assert {assign("salt", client_id, arms) for client_id in IDS[:500]} == {"champion"}


def test_no_arm_with_a_share_is_an_error() -> None:
    with pytest.raises(ValueError, match="no arm has a share"):
        assign("salt", "client", {"champion": 0.0})


@pytest.mark.parametrize("count", SHARES)
@pytest.mark.parametrize("salt", ["salt", "another"])
def test_holdout_and_arms_are_independent(salt: str, count: int) -> None:
    """Under one salt as under two."""
    assert abs(sum(held(salt)) / len(MANY) - 0.1) < 4 * math.sqrt(0.09 / len(MANY))
    assert chance([*held(salt)], [*met(count)]) > 0.001


def test_two_salts_draw_independently() -> None:
    again = [assign("another", client_id, shared(3)) for client_id in MANY]
    assert chance([*again], [*met(3)]) > 0.001
    assert chance([*held("salt")], [*held("another")]) > 0.001


def test_a_dependence_of_one_client_in_a_hundred_would_be_seen() -> None:
    bent = [NAMES[0] if n % 100 == 0 else arm for n, arm in enumerate(met(3))]
    leaning = [held_out or n % 100 == 0 for n, held_out in enumerate(held("salt"))]
    assert chance([*leaning], [*bent]) < 0.001


def test_parts_never_run_into_each_other() -> None:
    arms = {f"arm{n}": 0.01 for n in range(100)}
    assert assign("ab", "c", arms) != assign("a", "bc", arms)


def test_assignment_is_the_same_in_every_process() -> None:
    code = f"""
from experiments.assignment import assign, in_holdout
ids = [f"{{n}}-é😀" for n in range(500)]
print([assign("sält", key, {shared(6)}) for key in ids], [in_holdout("sält", key, 20) for key in ids])
"""
    ids = [f"{n}-é😀" for n in range(500)]
    here = [assign("sält", key, shared(6)) for key in ids], [in_holdout("sält", key, 20) for key in ids]
    for seed in ("0", "1", "4242", "random"):
        environ = {**os.environ, "PYTHONHASHSEED": seed}
        ran = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, check=True, text=True)
        assert ran.stdout.strip() == f"{here[0]} {here[1]}"


def test_a_held_out_client_is_scored_silently_by_the_arm_it_would_have_met() -> None:
    rules = Rules("salt", {"champion": 0.5, "challenger": 0.5}, ("heuristic",), 50.0, "holdout")
    plans = {client_id: plan(rules, client_id) for client_id in IDS[:400]}
    held = {client_id: found for client_id, found in plans.items() if found.arm == HOLDOUT}
    assert 100 < len(held) < 300
    for client_id, found in held.items():
        assert found.silent == (assign("salt", client_id, rules.arms), "heuristic")
    assert all(found.silent == ("heuristic",) for key, found in plans.items() if key not in held)
