"""`flask tokens`, as a person and as a program call it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine

from data import audit_log
from data.engine import build_engine
from data.schema import upgrade
from helpers.clock import SystemClock
from helpers.logs import configure_logging
from jobs.commands.tokens import command
from services.callers import WrongToken, hash_token
from services.token_memory import TokenMemory


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    configure_logging()
    url = f"sqlite:///{tmp_path / 'holdfast.sqlite3'}"
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    monkeypatch.setenv("SUDO_USER", "ann")
    made = build_engine(url)
    upgrade(made)
    return made


def run(*words: str) -> Result:
    return CliRunner().invoke(command, words)


def test_the_token_stands_alone_on_standard_output_and_is_never_shown_again(engine: Engine) -> None:
    made = run("add", "crm", "--scope", "predict", "--scope", "read")
    token = made.stdout.strip()
    memory = TokenMemory(engine, SystemClock())
    assert memory.find(hash_token(token)).scopes == {"predict", "read"}
    listed = run("list")
    assert token not in listed.output + made.stderr
    assert token[:9] in listed.stdout
    assert run("revoke", "crm").exit_code == 0
    assert memory.reread().wait(10)
    with pytest.raises(WrongToken):
        memory.find(hash_token(token))


def test_programs_read_json_and_the_audit_log_tells_who(engine: Engine) -> None:
    added = json.loads(run("add", "crm", "--scope", "metrics", "--days", "30", "--json").stdout)
    assert added["text"].startswith("hf_")
    (listed,) = json.loads(run("list", "--json").stdout)
    assert (listed["name"], listed["scopes"], listed["state"]) == ("crm", ["metrics"], "active")
    assert listed["expires_at"] == added["expires_at"]
    assert "token_hash" not in listed
    assert json.loads(run("revoke", "crm", "--json").stdout) == {"name": "crm", "revoked": True}
    assert json.loads(run("list", "--json").stdout)[0]["state"] == "revoked"
    with engine.connect() as connection:
        acts = [(entry.actor, entry.action) for entry in audit_log.list_entries(connection)]
    assert acts == [("command line: ann", "token_revoked"), ("command line: ann", "token_added")]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("add", "<b>", "--scope", "read"), "a token's name must have"),
        (("add", "taken", "--scope", "read"), "already"),
        (("revoke", "nobody"), "no token nobody"),
        (("add", "crm"), "--scope"),
        (("add", "crm", "--scope", "everything"), "everything"),
        (("add", "crm", "--scope", "read", "--days", "0"), "--days"),
    ],
)
def test_what_cannot_be_done_is_said_on_standard_error(engine: Engine, words: tuple[str, ...], complaint: str) -> None:
    assert run("add", "taken", "--scope", "read").exit_code == 0
    found = run(*words)
    assert found.exit_code != 0
    assert complaint in found.stderr
    assert found.stdout == ""
