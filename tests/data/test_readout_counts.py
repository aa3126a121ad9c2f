"""Plain counts of experiments, each read from an index."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, insert

from data import prediction_log, readout_counts
from data.readout_store import Served
from data.tables import exposure_scores, exposures, model_logs
from tests.support.clients import CLOSES, EXPERIMENT, FIRST_AT, MATURITY_DAYS, done, met, put, scored, told
from tests.support.ledger import row
from tests.support.plans import plan, rows_read, settle

TICK = timedelta(microseconds=1)
HELD = {"arm": "holdout"}


def test_who_was_served_by_what_and_since_when(engine: Engine) -> None:
    later = FIRST_AT + timedelta(hours=1)
    clients = [met("a", first_at=later), met("b"), met("c", model="newer@1", first_at=later), met("d", **HELD)]
    put(engine, clients=[*clients, met("e", experiment="other", arm="elsewhere")])
    with engine.connect() as connection:
        assert readout_counts.served(connection, EXPERIMENT) == {
            Served("champion", "additive@1"): FIRST_AT,
            Served("champion", "newer@1"): later,
            Served("holdout", "additive@1"): FIRST_AT,
        }
        assert readout_counts.served(connection, "unheard of") == {}
        assert readout_counts.names(connection) == [EXPERIMENT, "other"]


def test_every_answer_is_counted_by_arm(engine: Engine) -> None:
    answers = [row(f"client {number % 2}", experiment=EXPERIMENT) for number in range(5)]
    others = [
        row("held", experiment=EXPERIMENT, arm="holdout"),
        row("x", experiment=None),
        row("y", experiment="other"),
    ]
    with engine.begin() as connection:
        prediction_log.append_many(connection, [*answers, *others])
    with engine.connect() as connection:
        assert readout_counts.answers(connection, EXPERIMENT, ["holdout", "champion", "none"]) == {
            "holdout": 1,
            "champion": 5,
            "none": 0,
        }
        assert readout_counts.answers(connection, EXPERIMENT, []) == {}


def test_silent_models_are_known_by_name(engine: Engine) -> None:
    silent = [scored("a"), scored("b"), scored("a", model="other@1"), scored("a", experiment="other", model="third@1")]
    put(engine, silent=silent)
    with engine.connect() as connection:
        assert readout_counts.silent_models(connection, EXPERIMENT) == ["heuristic@1", "other@1"]


@pytest.mark.parametrize(("at", "contacted"), [(FIRST_AT - TICK, 0), (FIRST_AT, 1), (CLOSES, 1), (CLOSES + TICK, 0)])
def test_a_client_of_the_holdout_is_contacted_while_it_matures(engine: Engine, at: datetime, contacted: int) -> None:
    clients = [met("held", **HELD), met("treated"), met("other", **HELD)]
    put(engine, clients=clients, deeds=[done("held", at), done("held", at), done("treated", FIRST_AT)])
    with engine.connect() as connection:
        assert readout_counts.contacted(connection, EXPERIMENT, MATURITY_DAYS) == contacted


def test_reports_that_name_an_unknown_prediction_wait(engine: Engine) -> None:
    put(engine, reports=[told(True, FIRST_AT), told(True, FIRST_AT, client_id=None, prediction_id="not here yet")])
    with engine.connect() as connection:
        assert readout_counts.waiting_reports(connection) == 1


@pytest.fixture
def crowded(engine: Engine) -> Engine:
    names = [f"client {number}" for number in range(2_000)]
    with engine.begin() as connection:
        for experiment in (EXPERIMENT, "other", "third"):
            connection.execute(insert(exposures), [met(name, experiment=experiment) for name in names])
            connection.execute(insert(exposure_scores), [scored(name, experiment=experiment) for name in names])
        prediction_log.append_many(
            connection, [row(name, experiment=f"number {n % 9}") for n, name in enumerate(names)]
        )
        settle(connection, "exposures", "exposure_scores", "model_logs", "actions", "outcomes")
    return engine


def test_names_are_read_from_the_ends_of_an_index(crowded: Engine) -> None:
    """A few entries a name, whatever the number of clients; SQLite reads the index through."""
    with crowded.connect() as connection:
        assert rows_read(connection, lambda: readout_counts.names(connection)) < 40
        assert rows_read(connection, lambda: readout_counts.served(connection, EXPERIMENT)) < 40
        assert rows_read(connection, lambda: readout_counts.silent_models(connection, EXPERIMENT)) < 40
        assert "ix_exposures_served" in plan(connection, lambda: readout_counts.served(connection, EXPERIMENT))


def test_counts_never_read_the_ledger_itself(crowded: Engine) -> None:
    with crowded.connect() as connection:
        answers = plan(connection, lambda: readout_counts.answers(connection, "number 3", ["champion", "x"]))
        contacted = plan(connection, lambda: readout_counts.contacted(connection, EXPERIMENT, MATURITY_DAYS))
        waiting = plan(connection, lambda: readout_counts.waiting_reports(connection))
    covered = "Using index" if connection.dialect.name == "mysql" else "COVERING INDEX"
    assert f"{model_logs.name}_experiment_arm" in answers
    assert "ix_actions_client_id_at" in contacted
    assert "ix_outcomes_of_client" in waiting
    assert all(covered in found for found in (answers, waiting))
