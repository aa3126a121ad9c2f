"""Score, act, report, read: with clients whose truth is known, on MariaDB and Redis, over HTTP."""

import random
from typing import Any

import pytest

from benchmarks.loop import SHARES, judged
from benchmarks.playing import Plan, Played, play, read, tell
from benchmarks.population import Policy, Truth, population, truth
from modeling.registry import ModelRegistry
from tests.support.deployment import Deployment
from tests.support.models import Trained
from tests.support.stack import Deploy

CLIENTS = 3_000
CUTOFF = 0.15

pytestmark = pytest.mark.slow


@pytest.fixture
def deployment(deploy: Deploy, fresh_mariadb_url: str, redis_url: str, redis_client: object) -> Deployment:
    made = deploy(DATABASE_URL=fresh_mariadb_url, REDIS_URL=redis_url)
    made.configure(proba_cutoff=str(CUTOFF), holdout_percentage="20")
    made.start("web")
    return made


def played(deployment: Deployment, trained: Trained, lifts: dict[str, float], seed: int) -> tuple[Played, Truth]:
    """An experiment whose arms share a model, and what is true of its clients."""
    clients = population(trained.schema, CLIENTS, seed)
    aliases = {**trained.aliases, "challenger": trained.aliases["champion"]}
    plan = Plan(f"loop-{seed}", seed, SHARES, {**lifts, "holdout": 0.0}, {"aliases": aliases})
    model = ModelRegistry(deployment.var_dir / "models").load(trained.aliases["champion"])
    policies = {arm: Policy(model, CUTOFF, lift) for arm, lift in lifts.items()}
    return play(deployment, plan, clients), truth(clients, policies, SHARES)


def lasting(readout: dict[str, Any]) -> dict[str, Any]:
    """All but what depends on the moment at which it is read."""
    return {name: value for name, value in readout.items() if name not in {"read_at", "power", "money"}}


def test_a_true_effect_is_found_and_telling_it_again_changes_nothing(deployment: Deployment, trained: Trained) -> None:
    found, known = played(deployment, trained, {"champion": 0.0, "challenger": 0.9}, seed=11)
    assert known.rates["challenger"] < known.rates["champion"] - 0.08
    row = judged(found, known, "challenger")
    assert row["right"], row
    assert (row["difference"]["covered"], row["saved_per_client"]["covered"]) == (True, True)
    assert found.readout["early_outcomes"] == "counted"

    for path, rows in found.told.items():
        again = random.Random(5).sample(rows, len(rows))
        assert set(tell(deployment, path, again)) == {"known"}
    assert lasting(read(deployment, "loop-11")) == lasting(found.readout)


def test_arms_that_do_the_same_have_no_winner(deployment: Deployment, trained: Trained) -> None:
    for seed in (21, 22):
        found, known = played(deployment, trained, {"champion": 0.5, "challenger": 0.5}, seed)
        row = judged(found, known, None)
        assert row["right"], row
        assert (row["difference"]["covered"], row["saved_per_client"]["covered"]) == (True, True)
        assert row["difference"]["truth"] == 0
