"""`flask users`, as a person and as a program call it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from data.engine import build_engine
from data.schema import upgrade
from helpers.clock import SystemClock
from helpers.logs import configure_logging
from jobs.commands.users import SHOWN, command
from services.accounts import AccountService

PASSWORD = "the tide goes out twice a day"


@pytest.fixture
def accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AccountService:
    configure_logging()
    url = f"sqlite:///{tmp_path / 'holdfast.sqlite3'}"
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    engine = build_engine(url)
    upgrade(engine)
    return AccountService(engine, SystemClock())


def run(*words: str, stdin: str = "") -> Result:
    return CliRunner().invoke(command, words, input=stdin)


def test_a_user_with_a_given_password_signs_in_and_the_password_is_not_shown(accounts: AccountService) -> None:
    found = run("add", "anna", "--role", "admin", "--password-stdin", stdin=f"{PASSWORD}\n")
    assert found.exit_code == 0
    assert PASSWORD not in found.output
    assert accounts.sessions.sign_in("anna", PASSWORD, "here")
    assert accounts.everyone()[0].role == "admin"


def test_without_a_terminal_a_password_is_made_and_shown_once(accounts: AccountService) -> None:
    made = run("add", "anna").output.strip().rsplit(" ", 1)[1]
    assert accounts.sessions.sign_in("anna", made, "here")
    assert made not in run("list").output


def test_programs_read_json(accounts: AccountService) -> None:
    added = json.loads(run("add", "anna", "--json").stdout)
    assert accounts.sessions.sign_in("anna", added["password"], "here")
    listed = json.loads(run("list", "--json").stdout)
    assert [(user["username"], user["role"], user["disabled_at"]) for user in listed] == [("anna", "manager", None)]
    assert set(listed[0]) == {*SHOWN, "second_factor"}
    run("add", "bo", "--role", "admin")
    assert json.loads(run("disable", "anna", "--json").stdout) == {"username": "anna", "disabled": True}
    assert json.loads(run("list", "--json").stdout)[0]["disabled_at"]


def test_another_password_takes_the_place_of_the_first(accounts: AccountService) -> None:
    accounts.add("anna", "viewer", PASSWORD, "a test")
    assert run("set-password", "anna", "--password-stdin", stdin="the tide comes in as well\n").exit_code == 0
    assert accounts.sessions.sign_in("anna", PASSWORD, "here") is None
    assert accounts.sessions.sign_in("anna", "the tide comes in as well", "here")


def test_roles_shut_accounts_and_lost_second_factors_are_mended(accounts: AccountService) -> None:
    accounts.add("anna", "viewer", PASSWORD, "a test")
    assert json.loads(run("role", "anna", "admin", "--json").stdout) == {"username": "anna", "role": "admin"}
    accounts.add("bo", "admin", PASSWORD, "a test")
    accounts.disable("anna", "a test")
    assert run("enable", "anna").exit_code == 0
    assert json.loads(run("reset-second-factor", "anna", "--json").stdout)["second_factor"] is False
    anna = accounts.everyone()[0]
    assert (anna.role, anna.disabled_at, anna.totp_secret) == ("admin", None, None)


@pytest.mark.parametrize(
    ("words", "stdin", "complaint"),
    [
        (("add", "two words"), "", "The name must have"),
        (("add", "anna", "--password-stdin"), "short\n", "12 to 256"),
        (("add", "anna", "--password-stdin"), "", "12 to 256"),
        (("add", "bo"), "", "already"),
        (("disable", "nobody"), "", "no user nobody"),
        (("set-password", "nobody"), "", "no user nobody"),
        (("enable", "nobody"), "", "no user nobody"),
        (("reset-second-factor", "nobody"), "", "no user nobody"),
        (("role", "cleo", "viewer"), "", "only administrator"),
        (("disable", "cleo"), "", "only administrator"),
    ],
)
def test_what_cannot_be_done_is_one_line_on_standard_error(
    accounts: AccountService, words: tuple[str, ...], stdin: str, complaint: str
) -> None:
    accounts.add("bo", "viewer", PASSWORD, "a test")
    accounts.add("cleo", "admin", PASSWORD, "a test")
    found = run(*words, stdin=stdin)
    assert found.exit_code == 1
    assert complaint in found.stderr
    assert found.stderr.count("\n") == 1
    assert found.stdout == ""
