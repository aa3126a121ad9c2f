"""Sessions of people, on both databases: an ended session is dead, and nothing can revive it."""

import threading
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Engine, select

from data import audit_log, users
from data.audit_log import AuditEntry
from data.tables import sessions
from helpers.passwords import AT_ONCE
from services.accounts import AccountService
from services.sign_in import ABSOLUTE, IDLE, CodeNeeded, SignInService
from tests.support.clock import StandingClock

PASSWORD = "the tide goes out twice a day"
HERE = "192.0.2.1"


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def accounts(engine: Engine, clock: StandingClock) -> AccountService:
    made = AccountService(engine, clock)
    made.add("anna", "manager", PASSWORD, "a test")
    return made


@pytest.fixture
def service(accounts: AccountService) -> SignInService:
    return accounts.sessions


@pytest.fixture
def token(service: SignInService) -> str:
    return signed_in(service)


def signed_in(service: SignInService) -> str:
    found = service.sign_in("anna", PASSWORD, HERE)
    assert isinstance(found, str)
    return found


def entries(engine: Engine) -> list[AuditEntry]:
    with engine.connect() as connection:
        return audit_log.list_entries(connection)


def test_the_right_password_opens_a_session(service: SignInService, token: str) -> None:
    found = service.who(token)
    assert found
    assert (found.username, found.role) == ("anna", "manager")


@pytest.mark.parametrize("name", ["Anna", " anna ", "ＡＮＮＡ"])
def test_a_name_is_known_in_every_spelling(service: SignInService, name: str) -> None:
    assert service.sign_in(name, PASSWORD, HERE)


@pytest.mark.parametrize(
    ("name", "password"),
    [("anna", "wrong"), ("anna", ""), ("nobody", PASSWORD), ("", ""), ("anna", PASSWORD + " "), ("\0", "\0")],
)
def test_anything_else_opens_none(service: SignInService, name: str, password: str) -> None:
    assert service.sign_in(name, password, HERE) is None


def test_the_database_never_holds_the_token(engine: Engine, token: str) -> None:
    with engine.connect() as connection:
        rows = connection.execute(select(sessions)).all()
    assert len(rows) == 1
    assert token not in str(rows)


def test_every_sign_in_has_a_token_of_its_own(service: SignInService, token: str) -> None:
    other = signed_in(service)
    assert other != token
    assert len(other) >= 43  # 256 bits in base64


@pytest.mark.parametrize("forged", ["", "x", "' or 1=1 --", "0" * 64])
def test_a_forged_token_is_nobody(service: SignInService, token: str, forged: str) -> None:
    assert service.who(forged) is None


def test_the_stored_hash_is_no_token(engine: Engine, service: SignInService, token: str) -> None:
    with engine.connect() as connection:
        stored = connection.execute(select(sessions.c.id_hash)).scalar_one()
    assert service.who(stored) is None


@pytest.mark.promise("P20")
def test_an_idle_session_dies(service: SignInService, clock: StandingClock, token: str) -> None:
    clock.move(IDLE - timedelta(seconds=1))
    assert service.who(token)
    clock.move(IDLE - timedelta(seconds=1))
    assert service.who(token)
    clock.move(IDLE)
    assert service.who(token) is None
    clock.move(-IDLE)
    assert service.who(token) is None, "a session that died stays dead"


@pytest.mark.promise("P20")
def test_a_busy_session_dies_too(service: SignInService, clock: StandingClock, token: str) -> None:
    hours = int(ABSOLUTE.total_seconds() // 3600)
    for _ in range(hours - 1):
        clock.move(timedelta(hours=1))
        assert service.who(token)
    clock.move(timedelta(hours=1))
    assert service.who(token) is None


@pytest.mark.promise("P20")
def test_sign_out_ends_this_session_alone(service: SignInService, token: str) -> None:
    other = signed_in(service)
    service.sign_out(token, HERE)
    assert service.who(token) is None
    assert service.who(other)


@pytest.mark.promise("P20")
def test_another_password_ends_every_session(
    accounts: AccountService, service: SignInService, clock: StandingClock, token: str
) -> None:
    clock.move(timedelta(seconds=1))
    accounts.set_password("anna", "the tide comes in twice as well", "anna")
    assert service.who(token) is None
    assert service.sign_in("anna", PASSWORD, HERE) is None
    assert service.sign_in("anna", "the tide comes in twice as well", HERE)


@pytest.mark.promise("P20")
def test_a_sign_in_under_way_while_the_password_changes_opens_nothing_lasting(
    accounts: AccountService, service: SignInService, clock: StandingClock, engine: Engine
) -> None:
    """The old password is read, then changed, then found right: the session must not outlive the change."""
    found: list[str | CodeNeeded | None] = []
    slow = threading.Thread(target=lambda: found.append(service.sign_in("anna", PASSWORD, HERE)))
    with AT_ONCE, AT_ONCE:  # holds the sign-in between reading the hash and checking the password
        slow.start()
        slow.join(0.5)
        clock.move(timedelta(seconds=1))
        with engine.begin() as connection:
            user = users.find_by_username(connection, "anna")
            assert user
            users.set_password_hash(connection, user.id, "another hash", clock.now())
    slow.join()
    token = found[0]
    assert not isinstance(token, str) or service.who(token) is None


@pytest.mark.promise("P20")
def test_a_disabled_account_is_shut_at_once(accounts: AccountService, service: SignInService, token: str) -> None:
    accounts.disable("anna", "root")
    assert service.who(token) is None
    assert service.sign_in("anna", PASSWORD, HERE) is None


@pytest.mark.promise("P20")
def test_another_role_ends_every_session(accounts: AccountService, service: SignInService, token: str) -> None:
    accounts.set_role("anna", "viewer", "root")
    assert service.who(token) is None
    found = service.who(signed_in(service))
    assert found
    assert found.role == "viewer"


@pytest.mark.promise("P20")
def test_an_account_that_is_opened_again_does_not_revive_its_sessions(
    accounts: AccountService, service: SignInService, token: str
) -> None:
    accounts.disable("anna", "root")
    accounts.enable("anna", "root")
    assert service.who(token) is None
    assert service.who(signed_in(service))


@pytest.mark.promise("P20")
def test_a_person_ends_the_sessions_of_all_other_browsers(service: SignInService, token: str) -> None:
    other = signed_in(service)
    who = service.who(token)
    assert who
    assert sorted(each.here for each in service.sessions_of(who.user_id, token)) == [False, True]
    assert service.end_others(who.user_id, token, HERE) == 1
    assert service.who(other) is None
    assert [each.here for each in service.sessions_of(who.user_id, token)] == [True]


def test_a_hash_of_an_older_cost_is_renewed_and_the_session_lives(
    engine: Engine, service: SignInService, token: str
) -> None:
    cheap = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(PASSWORD)
    with engine.begin() as connection:
        user = users.find_by_username(connection, "anna")
        assert user
        users.renew_hash(connection, user.id, cheap)
    assert service.sign_in("anna", PASSWORD, HERE)
    with engine.connect() as connection:
        renewed = users.find_by_username(connection, "anna")
    assert renewed
    assert renewed.password_hash != cheap
    assert service.who(token)


def test_sessions_that_are_over_leave_the_table(
    engine: Engine, service: SignInService, clock: StandingClock, token: str
) -> None:
    clock.move(IDLE)
    service.sign_in("anna", PASSWORD, HERE)
    with engine.connect() as connection:
        assert len(connection.execute(select(sessions)).all()) == 1


def test_every_act_is_in_the_audit_log(engine: Engine, service: SignInService, token: str) -> None:
    service.sign_in("anna", "wrong", "192.0.2.9")
    service.sign_out(token, HERE)
    found = [(entry.action, entry.actor, entry.subject, entry.details.get("address")) for entry in entries(engine)]
    assert found[0] == ("signed_out", "anna", "anna", HERE)
    assert found[1] == ("sign_in_refused", "anonymous", "anna", "192.0.2.9")
    assert found[2] == ("signed_in", "anna", "anna", HERE)


def test_a_password_typed_as_a_name_is_not_written_down(engine: Engine, service: SignInService) -> None:
    service.sign_in("my secret pass phrase", "x", HERE)
    assert "my secret pass phrase" not in str(entries(engine))
