"""`flask readout`, as a person and as a program call it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine

from data.engine import build_engine
from data.schema import upgrade
from helpers.logs import configure_logging
from jobs.commands.readout import command
from tests.support.exposed import Group, configure_at, expose

NAME = "offers / autumn 2026"
ALIASES = {"champion": "additive@1", "challenger": "gradient_boosting@1"}


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """A database with an experiment whose models are not on this machine."""
    configure_logging()
    url = f"sqlite:///{tmp_path / 'holdfast.sqlite3'}"
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    engine = build_engine(url)
    upgrade(engine)
    now = datetime.now(UTC)
    start = now - timedelta(days=70)
    experiment = {"name": NAME, "salt": "s", "arms": {"champion": 0.5, "challenger": 0.5}}
    configure_at(engine, start, aliases=ALIASES, experiment=experiment, maturity_days="30")
    left = {"champion": 90, "challenger": 30, "holdout": 9}
    groups = [Group(arm, "additive@1", 600, churned, silent="heuristic@1") for arm, churned in left.items()]
    expose(engine, NAME, groups, start, now)
    return engine


def run(*words: str) -> Result:
    return CliRunner().invoke(command, words)


def test_a_person_reads_the_verdict_and_a_table(engine: Engine) -> None:
    found = run(NAME)
    assert (found.exit_code, found.stderr) == (0, "")
    head, _, verdict, _, heads, champion, challenger, holdout, *rest = found.stdout.splitlines()
    assert head.startswith(f"{NAME} (running, since ")
    assert verdict.startswith("challenger keeps more clients than champion: 5.0% leave instead of 15.0%")
    assert heads.split()[:4] == ["arm", "clients", "matured", "left"]
    assert champion.split()[:5] == ["champion", "600", "600", "90", "15.00%"]
    assert "better" in challenger
    assert holdout.split() == ["holdout", "600", "600"]
    assert "holdout: too few of the matured clients left, or too few stayed, so far; 10 of each are needed" in rest
    assert any(line.startswith("heuristic@1  champion, silently") for line in rest)
    assert any(line.startswith("Money: What treating clients saves is not known yet") for line in rest)
    assert all(line == line.rstrip() for line in rest)


def test_a_program_reads_json(engine: Engine) -> None:
    found = json.loads(run(NAME, "--json").stdout)
    assert (found["winner"], found["maturity_days"], len(found["arms"])) == ("challenger", 30, 3)


def test_an_unknown_name_is_one_line_with_the_names_there_are(engine: Engine) -> None:
    found = run("offers")
    assert (found.exit_code, found.stdout) == (1, "")
    assert found.stderr == f"Error: there is no experiment 'offers'; there are: '{NAME}'\n"
