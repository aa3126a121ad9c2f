"""`flask outcomes import`, as a person and as a program call it."""

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, func, select

from data.engine import build_engine
from data.schema import upgrade
from data.tables import outcomes
from helpers.logs import configure_logging
from jobs.commands.outcomes import command

HEADER = "client_id,churned,observed_at"


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    configure_logging()
    url = f"sqlite:///{tmp_path / 'holdfast.sqlite3'}"
    monkeypatch.setenv("DATABASE_URL", url)
    made = build_engine(url)
    upgrade(made)
    return made


def table(tmp_path: Path, *rows: str) -> str:
    path = tmp_path / "told.csv"
    path.write_text("\n".join((HEADER, *rows)))
    return str(path)


def run(*words: str) -> Result:
    return CliRunner().invoke(command, ["import", *words])


def count(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(outcomes)) or 0


def test_a_person_reads_what_became_of_the_rows(engine: Engine, tmp_path: Path) -> None:
    path = table(tmp_path, "anna,yes,2026-01-01", "bert,maybe,2026-01-01", "anna,yes,2026-01-01")
    found = run(path)
    assert found.exit_code == 0
    assert found.stdout.splitlines() == [
        "1 of 3 rows recorded.",
        "1 were known already.",
        "1 refused:",
        "  row 2, churned: must be yes, no, true, false, 1 or 0",
    ]
    assert found.stderr == ""
    assert count(engine) == 1


def test_a_program_reads_json(engine: Engine, tmp_path: Path) -> None:
    path = table(tmp_path, "anna,yes,2026-01-01", "bert,no,soon")
    told = json.loads(run(path, "--json").stdout)
    assert {name: told[name] for name in ("file", "rows", "recorded", "known", "waiting", "refused")} == {
        "file": "told.csv",
        "rows": 2,
        "recorded": 1,
        "known": 0,
        "waiting": 0,
        "refused": 1,
    }
    assert [(each["row"], each["column"]) for each in told["refusals"]] == [(2, "observed_at")]
    assert json.loads(run(path, "--json").stdout)["known"] == 1


def test_the_first_refusals_are_shown_and_a_file_has_them_all(engine: Engine, tmp_path: Path) -> None:
    path = table(tmp_path, "anna,yes,2026-01-01", *(f"c{number},?,2026-01-01" for number in range(50)))
    every = tmp_path / "refused.csv"
    found = run(path, "--refused", str(every))
    assert found.exit_code == 0
    assert sum(line.startswith("  row ") for line in found.stdout.splitlines()) == 20
    assert found.stdout.splitlines()[-1] == f"  and 30 more; {every} has them all"
    with every.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["row"] for row in rows] == [str(number) for number in range(2, 52)]
    assert {row["column"] for row in rows} == {"churned"}
    assert "--refused FILE.csv lists them all" in run(path).stdout
    assert len(json.loads(run(path, "--json").stdout)["refusals"]) == 20


def test_a_file_of_refusals_holds_no_formula(engine: Engine, tmp_path: Path) -> None:
    path, every = tmp_path / "told.csv", tmp_path / "refused.csv"
    path.write_text("client_id,=1+1,when\nanna,yes,2026-01-01\nbert,maybe,2026-01-01\n")
    assert run(str(path), "--churned", "=1+1", "--observed-at", "when", "--refused", str(every)).exit_code == 0
    with every.open(newline="") as file:
        assert [row["column"] for row in csv.DictReader(file)] == ["'=1+1"]


def test_where_every_row_is_refused_it_fails(engine: Engine, tmp_path: Path) -> None:
    path = table(tmp_path, "anna,?,2026-01-01", "bert,yes,never")
    found = run(path, "--json")
    assert found.exit_code == 1
    assert json.loads(found.stdout)["refused"] == 2
    assert "no row of told.csv could be recorded" in found.stderr
    assert count(engine) == 0


def test_one_date_serves_all_rows(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "left.csv"
    path.write_text("customerID;Churn\nanna;Yes\nbert;No\n")
    found = run(str(path), "--client-id", "customerID", "--churned", "Churn", "--observed-at", "2026-01-01")
    assert (found.exit_code, found.stdout) == (0, "2 of 2 rows recorded.\n")


@pytest.mark.parametrize("words", [("gone.csv",), ("told.csv", "--refused", "no/such/folder.csv")])
def test_what_cannot_be_done_is_one_line_on_standard_error(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    table(tmp_path, "anna,yes,2026-01-01")
    found = run(*words)
    assert (found.exit_code, found.stdout, len(found.stderr.splitlines())) == (1, "", 1)
    assert count(engine) == 0


def test_a_database_that_is_away_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql+pymysql://root@127.0.0.1:1/none")
    found = run(table(tmp_path, "anna,yes,2026-01-01"))
    assert found.exit_code == 1
    assert "DATABASE_URL" in found.stderr
