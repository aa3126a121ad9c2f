"""`train` and `score` as another program meets them: no terminal, exit codes, standard error."""

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.modeling.tables import customers, write_csv

ROOT = Path(__file__).parents[2]
FLASK = ("-m", "flask")
QUICKLY = """
from functools import partial
from flask.cli import main
from jobs.commands import train
from modeling.plan import QUICK
train.TrainingRequest = partial(train.TrainingRequest, plan=QUICK)
main()
"""
"""Likewise, with little work in a training: how well it learns is tested elsewhere."""


def flask(var_dir: Path, *words: str, program: Sequence[str] = FLASK) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environ = {**kept, "VAR_DIR": str(var_dir), "ORT_DISABLE_TELEMETRY": "1"}
    command = [sys.executable, *program, "--app", "app", *words]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=250, check=False)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_csv(tmp_path_factory.mktemp("tables") / "people.csv", customers(600), separator=";")


@pytest.fixture(scope="module")
def var_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("var")


@pytest.fixture(scope="module")
def trained_once(var_dir: Path, table: Path) -> subprocess.CompletedProcess[str]:
    return flask(var_dir, "train", str(table), program=("-c", QUICKLY))


@pytest.mark.slow
def test_it_says_what_it_decided_and_what_comes_next(
    trained_once: subprocess.CompletedProcess[str], var_dir: Path
) -> None:
    assert trained_once.returncode == 0, trained_once.stderr
    said = trained_once.stdout
    for part in ("separated by semicolons", "target: churned", "Left out:", "ROC AUC", "is best", "cutoff", "lifetime"):
        assert part in said
    assert str(var_dir / "models") in said
    assert "In service since config revision" in said
    assert "\r" not in said + trained_once.stderr  # no progress bar without a terminal
    assert "Redis does not answer" in trained_once.stderr


@pytest.mark.slow
def test_json_is_one_document(trained_once: subprocess.CompletedProcess[str], var_dir: Path, table: Path) -> None:
    assert trained_once.returncode == 0
    words = ("train", str(table), "--json", "--name", "spring", "--drop", "age", "--drop", "region")
    done = flask(var_dir, *words, program=("-c", QUICKLY))
    report = json.loads(done.stdout)
    assert report["models"][0]["ref"] == "spring@1"
    assert report["promotion"] is None
    assert {"age", "region"} <= {one["column"] for one in report["dropped"]}
    assert "region" not in report["models"][0]["card"]["features"]


@pytest.mark.slow
def test_scores_go_to_a_file_or_to_standard_output(
    trained_once: subprocess.CompletedProcess[str], var_dir: Path, table: Path, tmp_path: Path
) -> None:
    assert trained_once.returncode == 0
    done = flask(var_dir, "score", str(table))
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["subscriber_id"] for row in rows] == customers(600)["subscriber_id"]
    assert all(0 < float(row["probability"]) < 1 for row in rows)
    assert {row["high_risk"] for row in rows} == {"yes", "no"}
    assert "600 of 600 rows scored" in done.stderr
    file = str(tmp_path / "o.parquet")
    filed = flask(var_dir, "score", str(table), "--model", "heuristic", "--output", file, "--json")
    assert json.loads(filed.stdout)["rows"] == 600
    assert set(pq.read_table(file)["model"].to_pylist()) == {"heuristic@1"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("train", "nothere.csv"), "there is no file nothere.csv"),
        (("train", "nothere.csv", "--name", "Not A Name"), "cannot be a model's name"),
        (("score", "nothere.csv", "--json"), "--output"),
        (("score", "nothere.csv", "--output", "x.docx"), "must end in .csv or .parquet"),
    ],
)
def test_what_is_wrong_is_one_line_on_standard_error(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    done = flask(tmp_path, *words)
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
