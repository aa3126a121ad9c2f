"""`flask webhooks`, as a person and as a program call it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine

from data import notifications
from data.engine import build_engine
from data.notifications import WEBHOOK, Notification
from data.schema import upgrade
from helpers.clock import SystemClock
from helpers.logs import configure_logging
from jobs.commands.webhooks import command

NOW = SystemClock().now()


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    configure_logging()
    url = f"sqlite:///{tmp_path / 'holdfast.sqlite3'}"
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    made = build_engine(url)
    upgrade(made)
    content = {"type": "client.risk.entered", "timestamp": NOW.isoformat(), "data": {}}
    rows = [Notification(name, f"client {name}", [], content, NOW, channel=WEBHOOK) for name in ("sent", "failed")]
    with made.begin() as connection:
        notifications.add_many(connection, [*rows, Notification("mail", "b", ["c@example.com"], {}, NOW)])
        notifications.mark_sent(connection, "sent", NOW)
        notifications.mark_failed(connection, "failed", NOW, "the receiver answered 410")
    return made


def run(*words: str) -> Result:
    return CliRunner().invoke(command, words)


def states() -> dict[str, str]:
    return {row["id"]: row["state"] for row in json.loads(run("list", "--json").stdout)}


def test_people_see_what_became_of_each(engine: Engine) -> None:
    lines = run("list").stdout.splitlines()
    assert len(lines) == 2
    failed = next(line for line in lines if line.startswith("failed"))
    for said in ("client.risk.entered", "given up", "client failed", "the receiver answered 410"):
        assert said in failed
    assert [line.split()[0] for line in run("list", "--failed").stdout.splitlines()] == ["failed"]


def test_programs_read_json(engine: Engine) -> None:
    assert states() == {"sent": "sent", "failed": "given up"}
    (row,) = json.loads(run("list", "--failed", "--json").stdout)
    assert (row["client_id"], row["error"]) == ("client failed", "the receiver answered 410")


@pytest.mark.parametrize(
    ("words", "waiting"),
    [
        (["sent"], {"sent"}),
        (["sent", "failed"], {"sent", "failed"}),
        (["--failed"], {"failed"}),
        (["--since", "2020-01-01"], {"sent", "failed"}),
        (["--since", "2020-01-01T00:00:00+02:00", "--failed"], {"failed"}),
        (["--since", "2120-01-01T00:00:00Z"], set()),
    ],
)
def test_what_is_chosen_is_due_again(engine: Engine, words: list[str], waiting: set[str]) -> None:
    found = json.loads(run("replay", *words, "--json").stdout)
    assert found == {"due_again": len(waiting)}
    assert {name for name, state in states().items() if state == "waiting"} == waiting


def test_people_read_how_many(engine: Engine) -> None:
    assert run("replay", "sent").stdout == "1 webhook is due again.\n"
    assert run("replay", "--since", "2020-01-01").stdout == "2 webhooks are due again.\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [([], "Say which"), (["mail"], "No webhook has the id mail"), (["--since", "soon"], "is not a time")],
)
def test_what_cannot_be_replayed_is_said(engine: Engine, words: list[str], said: str) -> None:
    found = run("replay", *words)
    assert found.exit_code != 0
    assert said in found.stderr
    assert states() == {"sent": "sent", "failed": "given up"}
