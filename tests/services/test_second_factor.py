"""The second factor, on both databases: a code counts once, for a minute and a half, and never without the password."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from pyotp import TOTP
from sqlalchemy import Engine, select, update

from data import audit_log
from data.tables import app_credentials
from data.users import User
from helpers.errors import UserError
from services.accounts import AccountService
from services.second_factor import PATIENCE, SecondFactor
from services.sign_in import CodeNeeded
from tests.support.clock import StandingClock

PASSWORD = "the tide goes out twice a day"
HERE = "192.0.2.1"
STEP = timedelta(seconds=30)


class Person:
    """Anna, her app, and the service that asks her."""

    def __init__(self, engine: Engine, clock: StandingClock) -> None:
        self.clock = clock
        self.engine = engine
        self.accounts = AccountService(engine, clock)
        self.factor = SecondFactor(engine, clock, "a secret key of this test")
        self.accounts.add("anna", "manager", PASSWORD, "a test")
        self.secret = ""

    @property
    def row(self) -> User:
        return self.accounts.everyone()[0]

    def code(self, steps: int = 0) -> str:
        """What the app shows, so many steps from now."""
        return TOTP(self.secret).at(self.clock.now() + steps * STEP)

    def enrol(self) -> list[str]:
        self.factor.start(self.row.id)
        found = self.factor.unconfirmed(self.row)
        assert found
        self.secret = found[0]
        return self.factor.confirm(self.row.id, self.code(), HERE)

    def password_given(self) -> CodeNeeded:
        found = self.accounts.sessions.sign_in("anna", PASSWORD, HERE)
        assert isinstance(found, CodeNeeded)
        return found

    def finish(self, code: str) -> str | None:
        return self.factor.finish(self.password_given(), code, HERE)

    def noted(self) -> list[str]:
        with self.engine.connect() as connection:
            return [entry.action for entry in audit_log.search(connection)]


@pytest.fixture
def anna(engine: Engine) -> Person:
    return Person(engine, StandingClock())


def test_until_it_is_confirmed_the_password_is_enough(anna: Person) -> None:
    anna.factor.start(anna.row.id)
    assert isinstance(anna.accounts.sessions.sign_in("anna", PASSWORD, HERE), str)


def test_the_address_names_service_user_and_secret(anna: Person) -> None:
    anna.factor.start(anna.row.id)
    secret, address = anna.factor.unconfirmed(anna.row) or ("", "")
    assert address == f"otpauth://totp/Holdfast:anna?secret={secret}&issuer=Holdfast"
    assert len(secret) == 32


def test_a_wrong_code_confirms_nothing_and_is_noted(anna: Person) -> None:
    anna.factor.start(anna.row.id)
    for wrong in ("", "000000x", "12345", "äöüäöü"):
        with pytest.raises(UserError) as caught:
            anna.factor.confirm(anna.row.id, wrong, HERE)
        assert caught.value.field == "code"
    assert anna.row.totp_confirmed_at is None
    assert anna.noted()[0] == "second_factor_refused"


def test_once_confirmed_the_password_alone_opens_nothing(anna: Person) -> None:
    anna.enrol()
    assert isinstance(anna.accounts.sessions.sign_in("anna", PASSWORD, HERE), CodeNeeded)
    assert "signed_in" not in anna.noted()
    assert anna.accounts.sessions.sign_in("anna", "wrong", HERE) is None


def test_the_secret_cannot_be_read_again_once_confirmed(anna: Person) -> None:
    anna.enrol()
    assert anna.factor.unconfirmed(anna.row) is None
    with pytest.raises(UserError, match="on already"):
        anna.factor.start(anna.row.id)


def test_neither_secret_nor_codes_are_in_the_database(anna: Person, engine: Engine) -> None:
    codes = anna.enrol()
    with engine.connect() as connection:
        stored = str(connection.execute(select(app_credentials)).all())
    assert anna.secret not in stored
    assert not [code for code in codes if code in stored or code.replace("-", "") in stored]


@pytest.mark.parametrize(("steps", "right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_one_step_off(anna: Person, steps: int, right: bool) -> None:
    anna.enrol()
    anna.clock.move(5 * STEP)
    token = anna.finish(anna.code(steps))
    assert bool(token) == right
    assert not token or anna.accounts.sessions.who(token)


def test_a_code_counts_once_and_none_before_it(anna: Person) -> None:
    anna.enrol()
    assert anna.finish(anna.code()) is None, "the code that confirmed is used"
    anna.clock.move(5 * STEP)
    code, earlier = anna.code(), anna.code(-1)
    assert anna.finish(code)
    assert anna.finish(code) is None
    assert anna.finish(earlier) is None
    assert anna.finish(anna.code(1))


def test_a_code_typed_in_groups_is_the_same(anna: Person) -> None:
    anna.enrol()
    anna.clock.move(5 * STEP)
    code = anna.code()
    assert anna.finish(f" {code[:3]} {code[3:]} ")


def test_at_the_same_instant_a_code_counts_once(anna: Person) -> None:
    anna.enrol()
    anna.clock.move(5 * STEP)
    needed, code = anna.password_given(), anna.code()
    with ThreadPoolExecutor(4) as pool:
        tokens = list(pool.map(lambda _: anna.factor.finish(needed, code, HERE), range(4)))
    assert len([token for token in tokens if token]) == 1


def test_a_recovery_code_counts_once_however_it_is_typed(anna: Person) -> None:
    codes = anna.enrol()
    assert len(set(codes)) == 8
    assert anna.finish(codes[0].upper().replace("-", " "))
    assert anna.finish(codes[0]) is None
    assert anna.finish(codes[7])
    assert len(anna.row.recovery_hashes or []) == 6
    assert anna.noted().count("recovery_code_used") == 2


def test_with_another_secret_key_only_recovery_codes_count(anna: Person, engine: Engine) -> None:
    codes = anna.enrol()
    anna.clock.move(5 * STEP)
    anna.factor = SecondFactor(engine, anna.clock, "another key")
    assert anna.finish(anna.code()) is None
    assert anna.finish(codes[0])


def test_a_password_given_long_ago_is_to_be_given_again(anna: Person) -> None:
    anna.enrol()
    needed = anna.password_given()
    anna.clock.move(PATIENCE)
    assert anna.factor.finish(needed, anna.code(), HERE) is None


@pytest.mark.parametrize("change", ["password", "disabled", "reset"])
def test_what_changed_between_password_and_code_counts(anna: Person, change: str) -> None:
    anna.enrol()
    needed = anna.password_given()
    anna.clock.move(5 * STEP)
    changes: dict[str, Callable[[], object]] = {
        "password": lambda: anna.accounts.set_password("anna", None, "root"),
        "disabled": lambda: anna.accounts.disable("anna", "root"),
        "reset": lambda: anna.accounts.reset_second_factor("anna", "root"),
    }
    changes[change]()
    assert anna.factor.finish(needed, anna.code(), HERE) is None


def test_turned_off_the_password_is_enough_again(anna: Person) -> None:
    anna.enrol()
    anna.factor.turn_off(anna.row.id, anna.code(1), HERE)
    assert isinstance(anna.accounts.sessions.sign_in("anna", PASSWORD, HERE), str)
    assert anna.row.recovery_hashes is None
    assert anna.noted()[1] == "second_factor_off"


def test_a_wrong_code_turns_nothing_off_and_a_recovery_code_does(anna: Person) -> None:
    codes = anna.enrol()
    for wrong in ("000000x", anna.code()):  # the other one was used to confirm
        with pytest.raises(UserError, match="not right") as caught:
            anna.factor.turn_off(anna.row.id, wrong, HERE)
        assert caught.value.field == "code"
        assert anna.noted()[0] == "second_factor_refused"
    assert anna.row.totp_confirmed_at
    anna.factor.turn_off(anna.row.id, codes[0], HERE)
    assert anna.row.totp_secret is None
    with pytest.raises(UserError, match="off already"):
        anna.factor.turn_off(anna.row.id, codes[1], HERE)


def test_refused_codes_are_noted_with_their_address(anna: Person, engine: Engine) -> None:
    anna.enrol()
    anna.finish("000000")
    with engine.connect() as connection:
        (entry,) = audit_log.search(connection, audit_log.Wanted(action="second_factor_refused"))
    assert (entry.actor, entry.subject, entry.details) == ("anonymous", "anna", {"address": HERE})


def test_a_row_without_a_secret_takes_no_code(anna: Person, engine: Engine) -> None:
    anna.enrol()
    with engine.begin() as connection:
        connection.execute(update(app_credentials).values(totp_secret=None, recovery_hashes=None))
    assert anna.finish("000000") is None
