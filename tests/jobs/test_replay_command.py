"""`flask replay`, as a person and as a program call it, with no service running."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from redis import Redis
from sqlalchemy import Engine, func, select, update

from data.engine import build_engine
from data.tables import metadata, model_logs
from helpers.logs import configure_logging
from jobs.commands.replay import command
from tests.support.asking import ask
from tests.support.customers import IDS, fill_tables
from tests.support.deployment import insert_config
from tests.support.models import Trained
from tests.support.stack import application, configure


@pytest.fixture
def answer(
    tmp_path: Path, trained: Trained, embedded_redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """An answer of a service that has ended, in a VAR_DIR that the command knows."""
    with Redis.from_url(embedded_redis_url) as redis:
        redis.flushall()
    with application(tmp_path, trained, embedded_redis_url) as app:
        configure(app, aliases=trained.aliases, shadow=["heuristic"])
        fill_tables(app, trained.schema)
        given = ask(app, **trained.rows[3], client_id=IDS[0], reasons=2)
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    configure_logging()
    return given


@pytest.fixture
def engine(answer: dict[str, Any], tmp_path: Path) -> Iterator[Engine]:
    made = build_engine(f"sqlite:///{tmp_path / 'holdfast.sqlite3'}")
    yield made
    made.dispose()


def run(*words: str) -> Result:
    return CliRunner().invoke(command, words)


def rows(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        counts = {table.name: select(func.count()).select_from(table) for table in metadata.sorted_tables}
        return {name: connection.scalar(count) or 0 for name, count in counts.items()}


def test_an_answer_that_comes_out_the_same(answer: dict[str, Any], engine: Engine) -> None:
    before = rows(engine)
    insert_config(engine, proba_cutoff="0.9", shadow=[])
    found = run(answer["prediction_id"])
    assert found.exit_code == 0, found.output
    lines = found.stdout.splitlines()
    assert lines[0].startswith(f"{answer['prediction_id']}: client {IDS[0]}, answered 20")
    assert lines[1] == "under config revision 2 by additive@1."
    assert lines[-1] == "The answer is the same bit for bit."
    told = {line.split()[1]: line for line in lines if line.startswith("same ")}
    assert told["prediction"].endswith(f"{answer['prediction']!r} | {answer['prediction']!r}")
    assert list(told) == [
        *("arm", "experiment", "model", "model_version", "prediction", "high_risk", "cutoff", "money_at_risk"),
        *("reason", "silent", "output"),
    ]
    taken = f"ltv {answer['ltv']}, recent_times_id_seen 0, response_time {answer['response_time']}"
    assert f"Taken from the row, since nothing can recompute it: {taken}." in lines
    assert rows(engine) == {**before, "config": before["config"] + 2}


def test_a_program_reads_json(answer: dict[str, Any]) -> None:
    found = run(answer["prediction_id"], "--json")
    told = json.loads(found.stdout)
    assert (found.exit_code, told["same"], told["missing"]) == (0, True, [])
    assert {each["field"]: each["stored"] for each in told["fields"]}["prediction"] == answer["prediction"]
    assert {each["same"] for each in told["fields"]} == {True}
    assert told["taken_from_the_row"]["ltv"] == answer["ltv"]


def test_a_difference_of_one_bit_is_told_and_is_a_failure(answer: dict[str, Any], engine: Engine) -> None:
    other = math.nextafter(answer["prediction"], 1)
    with engine.begin() as connection:
        connection.execute(update(model_logs).values(prediction=other))
    found = run(answer["prediction_id"])
    assert found.exit_code == 1
    (line,) = (line for line in found.stdout.splitlines() if line.startswith("different"))
    assert line.split() == ["different", "prediction", repr(other), "|", repr(answer["prediction"])]
    assert "The answer is not the same" in found.stdout.splitlines()[-1]
    assert json.loads(run(answer["prediction_id"], "--json").stdout)["same"] is False


def test_what_is_missing_is_told_with_the_fix(answer: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "models" / "additive" / "1" / "model.onnx").unlink()
    found = run(answer["prediction_id"])
    assert found.exit_code == 1
    assert "Missing: model additive@1 is refused: model.onnx is in the manifest but missing" in found.stdout
    assert found.stdout.splitlines()[-1].startswith("The answer cannot be recomputed")


def test_an_id_that_nobody_knows(answer: dict[str, Any]) -> None:
    found = run("nobody")
    assert found.exit_code == 1
    assert found.stdout.startswith("Missing: nobody is not in the ledger; it is not in the outbox")


def test_the_score_of_a_client_in_the_holdout_is_not_shown(
    tmp_path: Path, trained: Trained, embedded_redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    configure_logging()
    with application(tmp_path, trained, embedded_redis_url) as app:
        configure(app, aliases=trained.aliases, shadow=["heuristic"], holdout_percentage="50")
        asked = (ask(app, **trained.rows[3], client_id=f"client {number}") for number in range(30))
        held = next(answer["prediction_id"] for answer in asked if answer["arm"] == "holdout")
    engine = build_engine(f"sqlite:///{tmp_path / 'holdfast.sqlite3'}")
    this = model_logs.c.prediction_id == held
    silent = shown_nowhere(engine, held, 0)
    with engine.begin() as connection:  # by somebody with SQL: to be told, and still not what the score is
        other = {**silent, "additive@1": math.nextafter(silent["additive@1"], 1)}
        connection.execute(update(model_logs).where(this).values(silent_scores=other, prediction=other["additive@1"]))
    shown_nowhere(engine, held, 1)
    with engine.begin() as connection:
        connection.execute(update(model_logs).where(this).values(arm="champion"))
    shown_nowhere(engine, held, 1)
    engine.dispose()


def shown_nowhere(engine: Engine, prediction_id: str, exit_code: int) -> dict[str, float]:
    """The silent scores of the row; none of them, nor what a shadow says now, is printed."""
    wanted = select(model_logs.c.silent_scores).where(model_logs.c.prediction_id == prediction_id)
    with engine.connect() as connection:
        silent: dict[str, float] = connection.scalars(wanted).one()
    found, told = run(prediction_id), run(prediction_id, "--json")
    assert (found.exit_code, told.exit_code) == (exit_code, exit_code)
    assert "not shown: the client is in the holdout" in found.stdout
    verdicts = {line.split()[2]: line.split()[0] for line in found.stdout.splitlines() if " silent " in line}
    assert verdicts == {"additive@1": "different" if exit_code else "same", "heuristic@1": "same"}
    printed = found.stdout + told.stdout
    assert not [score for score in silent.values() if str(score)[:8] in printed]
    return silent
