"""Accounts, on both databases."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine

from data import audit_log
from helpers.errors import UserError
from services.accounts import AccountService
from tests.support.clock import StandingClock

PASSWORD = "the tide goes out twice a day"


@pytest.fixture
def accounts(engine: Engine) -> AccountService:
    return AccountService(engine, StandingClock())


def test_a_user_is_added_with_role_and_audit_line(accounts: AccountService, engine: Engine) -> None:
    assert accounts.add("Bo@Example.org", "viewer", PASSWORD, "root") == ("bo@example.org", PASSWORD)
    user = accounts.everyone()[0]
    assert (user.username, user.role, user.disabled_at) == ("bo@example.org", "viewer", None)
    assert PASSWORD not in user.password_hash
    with engine.connect() as connection:
        entry = audit_log.list_entries(connection)[0]
    assert (entry.actor, entry.action, entry.subject) == ("root", "user_added", "bo@example.org")
    assert entry.details == {"role": "viewer"}


def test_without_a_password_one_is_made_that_works(accounts: AccountService) -> None:
    name, made = accounts.add("bo", "viewer", None, "root")
    assert accounts.sessions.sign_in(name, made, "192.0.2.1")


@pytest.mark.parametrize(
    ("name", "role", "password", "field"),
    [
        ("", "viewer", PASSWORD, "username"),
        ("-dash", "viewer", PASSWORD, "username"),
        ("two words", "viewer", PASSWORD, "username"),
        ("x" * 65, "viewer", PASSWORD, "username"),
        ("<b>", "viewer", PASSWORD, "username"),
        ("bo", "emperor", PASSWORD, "role"),
        ("bo", "viewer", "short", "password"),
    ],
)
def test_what_breaks_the_rules_is_refused_by_field(
    accounts: AccountService, name: str, role: str, password: str, field: str
) -> None:
    with pytest.raises(UserError) as caught:
        accounts.add(name, role, password, "root")
    assert caught.value.field == field
    assert accounts.everyone() == []


def test_a_name_is_taken_in_every_spelling(accounts: AccountService) -> None:
    accounts.add("bo", "viewer", PASSWORD, "root")
    with pytest.raises(UserError, match="already"):
        accounts.add("BO", "admin", PASSWORD, "root")
    assert [user.role for user in accounts.everyone()] == ["viewer"]


def test_who_is_not_there_cannot_be_changed(accounts: AccountService) -> None:
    with pytest.raises(UserError, match="no user bo"):
        accounts.disable("bo", "root")
    with pytest.raises(UserError, match="no user bo"):
        accounts.set_password("bo", PASSWORD, "root")


def test_the_first_user_is_made_once(accounts: AccountService) -> None:
    first = accounts.ensure_first_user()
    assert first
    assert accounts.sessions.sign_in(*first, "192.0.2.1")
    assert accounts.ensure_first_user() is None
    assert [(user.username, user.role) for user in accounts.everyone()] == [("admin", "admin")]


def test_processes_that_start_together_make_one_first_user(accounts: AccountService) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = [found for found in pool.map(lambda _: accounts.ensure_first_user(), range(4)) if found]
    assert len(made) == 1
    assert accounts.sessions.sign_in(*made[0], "192.0.2.1")


def test_the_last_administrator_is_neither_shut_out_nor_degraded(accounts: AccountService) -> None:
    accounts.add("ann", "admin", PASSWORD, "root")
    accounts.add("bo", "admin", PASSWORD, "root")
    accounts.disable("bo", "ann")
    with pytest.raises(UserError, match="only administrator"):
        accounts.disable("ann", "ann")
    with pytest.raises(UserError, match="only administrator"):
        accounts.set_role("ann", "manager", "ann")
    accounts.enable("bo", "ann")
    accounts.set_role("ann", "manager", "ann")
    assert [user.role for user in accounts.everyone()] == ["manager", "admin"]


def test_two_administrators_cannot_shut_out_each_other_at_once(accounts: AccountService) -> None:
    for name in ("ann", "bo"):
        accounts.add(name, "admin", PASSWORD, "root")

    def shut(name: str) -> bool:
        try:
            accounts.disable(name, "somebody")
        except UserError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(shut, ("ann", "bo"))) == [False, True]


def test_ones_own_password_is_changed_with_the_one_in_force(accounts: AccountService, engine: Engine) -> None:
    accounts.add("bo", "viewer", PASSWORD, "root")
    with pytest.raises(UserError) as caught:
        accounts.change_password("bo", "wrong", "the tide comes in as well", "192.0.2.1")
    assert caught.value.field == "current"
    with engine.connect() as connection:
        assert audit_log.list_entries(connection)[0].action == "password_refused"
    accounts.change_password("bo", PASSWORD, "the tide comes in as well", "192.0.2.1")
    assert accounts.sessions.sign_in("bo", "the tide comes in as well", "192.0.2.1")


def test_each_change_of_an_account_is_in_the_audit_log(accounts: AccountService, engine: Engine) -> None:
    accounts.add("ann", "admin", PASSWORD, "root")
    accounts.add("bo", "viewer", PASSWORD, "root")
    accounts.set_role("bo", "manager", "ann")
    accounts.disable("bo", "ann")
    accounts.enable("bo", "ann")
    accounts.reset_second_factor("bo", "ann")
    accounts.set_password("bo", None, "ann")
    with engine.connect() as connection:
        found = audit_log.search(connection, audit_log.Wanted(actor="ann", subject="bo"))
    assert [entry.action for entry in found] == [
        "password_set",
        "second_factor_reset",
        "user_enabled",
        "user_disabled",
        "role_set",
    ]
    assert found[-1].details == {"before": "viewer", "after": "manager"}
