"""The quality of models on the clients of an experiment, against scikit-learn on the clients themselves."""

import random
from typing import Any

import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score
from sqlalchemy import Engine

from data import prediction_log
from data.outcome_store import outcome_id
from data.readout_store import Bin, Served
from helpers.ids import new_id
from services.config.model import LiveConfig
from services.outcomes import settle_all
from services.readout.parts import ModelQuality
from services.readout.quality import model_quality
from services.readout.reading import ExperimentFacts, Readout, read_facts
from tests.support.clients import CLOSES, EXPERIMENT, FIRST_AT, MATURITY_DAYS, crowd, met, put, scored, told
from tests.support.clock import StandingClock
from tests.support.ledger import row

ARMS = {"champion": 0.5, "challenger": 0.5}


def read_now(engine: Engine) -> Readout:
    facts = ExperimentFacts(EXPERIMENT, ARMS, started_at=FIRST_AT)
    return read_facts(engine, StandingClock(CLOSES), LiveConfig(maturity_days=MATURITY_DAYS), facts)


def population(arm: str, model: str, clients: int, silent: int) -> dict[str, list[dict[str, Any]]]:
    """Clients who leave as their score says; a rule scored the first `silent` of them as well."""
    drawn = random.Random(f"{arm} {model}")
    scores = [drawn.betavariate(1, 6) for _ in range(clients)]
    names = [f"{arm} {model} {number}" for number in range(clients)]
    return {
        "clients": [met(name, arm=arm, model=model, score=score) for name, score in zip(names, scores, strict=True)],
        "silent": [scored(name, score=drawn.random()) for name in names[:silent]],
        "reports": [
            told(True, FIRST_AT, name) for name, score in zip(names, scores, strict=True) if drawn.random() < score
        ],
    }


def expected(people: dict[str, list[dict[str, Any]]], scores: list[dict[str, Any]]) -> tuple[int, float, float]:
    """Clients, AUC and Brier score of rows that hold a client and a score."""
    left = {report["client_id"] for report in people["reports"]}
    truth = [each["client_id"] in left for each in scores]
    given = [each["score"] for each in scores]
    return len(scores), roc_auc_score(truth, given), brier_score_loss(truth, given)


def agrees(found: ModelQuality, wanted: tuple[int, float, float]) -> bool:
    """To the fourth decimal: scores are counted to three or four."""
    return found.n == wanted[0] and (found.auc, found.brier) == pytest.approx(wanted[1:], abs=2e-4)


def test_each_model_is_judged_on_the_clients_that_it_served(engine: Engine) -> None:
    sizes = [("champion", "a@1", 900), ("champion", "b@1", 300), ("holdout", "b@1", 500)]
    parts = [population(arm, model, clients, 0) for arm, model, clients in sizes]
    for people in parts:
        put(engine, **people)
    champion, _, holdout = read_now(engine).arms
    assert [each.model for each in champion.quality] == ["a@1", "b@1"]
    for found, people in zip([*champion.quality, *holdout.quality], parts, strict=True):
        assert agrees(found, expected(people, people["clients"]))
        assert found.churned == len(people["reports"])
        assert found.ece is not None
        assert found.ece < 0.1


@pytest.mark.parametrize("silent", [600, 350])
def test_a_silent_model_is_judged_beside_the_arms_own_on_the_same_clients(engine: Engine, silent: int) -> None:
    """Whether it scored all clients of the arm or some of them."""
    people = population("challenger", "a@1", 600, silent)
    put(engine, **people)
    (shadow,) = read_now(engine).shadows
    assert (shadow.model, shadow.arm, shadow.own.model) == ("heuristic@1", "challenger", "a@1")
    assert agrees(shadow.silent, expected(people, people["silent"]))
    assert agrees(shadow.own, expected(people, people["clients"][:silent]))


def test_below_the_minimum_there_is_nothing_on_who_left() -> None:
    few = [Bin(Served("champion", "a@1"), 0.1, 99, 20, 0, 0)]
    assert model_quality("a@1", few, "none") == ModelQuality("a@1", 99, None, None, None, None)


def test_a_report_whose_prediction_arrived_by_itself_is_counted(engine: Engine) -> None:
    """As it does when the two cross: each was written before it could see the other."""
    late = row("late", experiment=EXPERIMENT, answered_at=FIRST_AT)
    named = (late.prediction_id, new_id())
    ids = {each: outcome_id(None, each, True, FIRST_AT) for each in named}
    with engine.begin() as connection:
        prediction_log.append_many(connection, [late])
    put(engine, reports=[told(True, FIRST_AT, None, prediction_id=each, outcome_id=ids[each]) for each in named])
    put(engine, **crowd("champion", 100, 9))
    settle_all(engine)
    found = read_now(engine)
    champion = found.arms[0]
    assert (champion.exposures, champion.matured, champion.churned) == (1, 101, 10)
    assert found.warnings[-1].startswith("1 outcome names a prediction that")
