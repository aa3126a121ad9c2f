"""A person's own account in the browser: password, second factor, other sessions."""

import re
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from flask import Flask
from pyotp import TOTP
from werkzeug.test import TestResponse

from data import audit_log
from services.accounts import AccountService
from tests.support.visitor import PASSWORD, Visitor

NEW = "the tide comes in twice as well"
FACTOR = "/account/second-factor"


@pytest.fixture
def anna(app: Flask, accounts: AccountService) -> Visitor:
    visitor = Visitor(app)
    visitor.sign_in()
    visitor.get("/account")
    return visitor


def is_signed_in(visitor: Visitor) -> bool:
    return visitor.get("/account").status_code == 200


def secret_on(page: str) -> str:
    found = re.search(r'id="totp-key">([A-Z2-7 ]+)<', page)
    assert found
    return found.group(1).replace(" ", "")


def codes_on(page: str) -> list[str]:
    return re.findall(r'<li class="id">([a-z0-9-]+)</li>', page)


def enrol(visitor: Visitor) -> tuple[TOTP, list[str]]:
    assert visitor.post(FACTOR, {"do": "start", "current": PASSWORD}).status_code == 303
    totp = TOTP(secret_on(visitor.get("/account").text))
    codes = codes_on(visitor.post(FACTOR, {"do": "confirm", "code": totp.now()}).text)
    visitor.get("/account")
    return totp, codes


def enter(visitor: Visitor, code: str) -> TestResponse:
    visitor.get("/login/code")
    return visitor.post("/login/code", {"code": code})


def noted(app: Flask) -> list[str]:
    with app.extensions["holdfast"].engine.connect() as connection:
        return [entry.action for entry in audit_log.search(connection)]


def test_another_password_ends_every_session_and_signs_in(app: Flask, anna: Visitor) -> None:
    elsewhere = Visitor(app)
    elsewhere.sign_in()
    held = anna.cookie("holdfast") or ""
    changed = anna.post("/account/password", {"current": PASSWORD, "password": NEW})
    assert changed.location == "/login"
    assert "Your password is changed" in anna.get("/login").text
    thief = Visitor(app)
    thief.client.set_cookie("holdfast", held)
    assert not is_signed_in(thief)
    assert not is_signed_in(elsewhere)
    assert anna.sign_in(password=PASSWORD).status_code == 401
    assert anna.sign_in(password=NEW).status_code == 303


@pytest.mark.parametrize(
    ("form", "complaint"),
    [
        ({"current": "my old dog", "password": NEW}, "This is not your password."),
        ({"current": PASSWORD, "password": "short"}, "12 to 256"),
        ({"current": PASSWORD, "password": "1qaz2wsx3edc"}, "guessers try first"),
        ({"current": PASSWORD}, "Must be filled in."),
        ({"password": NEW}, "Must be filled in."),
    ],
)
def test_what_is_wrong_stands_beside_its_field(anna: Visitor, form: dict[str, str], complaint: str) -> None:
    response = anna.post("/account/password", form)
    assert response.status_code == 422
    assert re.search(rf'<small class="wrong" id="password-\w+-help">[^<]*{complaint}', response.text)
    assert not [text for text in form.values() if text in response.text and text != "short"]
    assert is_signed_in(anna)


def test_the_password_in_force_cannot_be_guessed_here_either(app: Flask, anna: Visitor) -> None:
    form = {"current": "wrong", "password": NEW}
    statuses = [anna.post("/account/password", form).status_code for _ in range(6)]
    assert statuses == [422] * 4 + [429] * 2
    refused = anna.post("/account/password", {"current": PASSWORD, "password": NEW})
    assert "Too many tries" in refused.text
    assert refused.headers["Retry-After"] == "900"
    assert noted(app).count("password_refused") == 4


def test_setting_up_a_second_factor_shows_its_key_and_once_its_codes(anna: Visitor) -> None:
    assert anna.post(FACTOR, {"do": "start", "current": "wrong"}).status_code == 422
    assert "totp-key" not in anna.get("/account").text
    anna.post(FACTOR, {"do": "start", "current": PASSWORD})
    page = anna.get("/account").text
    drawn = re.search(r"<svg.*?</svg>", page[page.index('class="qr"') :], re.DOTALL)
    assert drawn
    assert ElementTree.fromstring(drawn.group()).tag.endswith("svg")
    assert "viewBox" in drawn.group(), "or it is cut off where it is shown smaller"
    assert "style=" not in drawn.group()
    totp = TOTP(secret_on(page))
    wrong = anna.post(FACTOR, {"do": "confirm", "code": "000000"})
    assert (wrong.status_code, "The code is not right" in wrong.text) == (422, True)
    shown = anna.post(FACTOR, {"do": "confirm", "code": totp.now()}).text
    codes = codes_on(shown)
    assert len(codes) == 8
    after = anna.get("/account").text
    assert "8 of 8 recovery codes are left" in after
    assert totp.secret not in after
    assert not [code for code in codes if code in after]


def test_the_key_of_a_set_up_is_shown_where_it_was_begun_alone(app: Flask, anna: Visitor) -> None:
    anna.post(FACTOR, {"do": "start", "current": PASSWORD})
    elsewhere = Visitor(app)
    elsewhere.sign_in()
    page = elsewhere.get("/account").text
    assert ("totp-key" in page, "Set up a second factor" in page) == (False, True)
    elsewhere.post(FACTOR, {"do": "start", "current": PASSWORD})
    assert "totp-key" in elsewhere.get("/account").text
    assert "totp-key" not in anna.get("/account").text


def test_a_set_up_that_was_begun_can_be_left(anna: Visitor) -> None:
    anna.post(FACTOR, {"do": "start", "current": PASSWORD})
    anna.post(FACTOR, {"do": "cancel"})
    assert "Set up a second factor" in anna.get("/account").text


def test_what_asks_for_no_password_does_not_let_it_be_guessed_on(anna: Visitor) -> None:
    for _ in range(2):
        assert anna.post(FACTOR, {"do": "off", "current": "wrong", "code": "000000"}).status_code == 422
        assert anna.post(FACTOR, {"do": "cancel"}).status_code == 303
    assert anna.post(FACTOR, {"do": "off", "current": "wrong", "code": "000000"}).status_code == 429


def test_an_act_that_is_none_is_refused(anna: Visitor) -> None:
    response = anna.post(FACTOR, {"do": "dance", "current": PASSWORD})
    assert (response.status_code, "choose one of start" in response.text) == (422, True)


def test_the_password_alone_opens_nothing_once_there_is_a_second_factor(app: Flask, anna: Visitor) -> None:
    totp, _ = enrol(anna)
    other = Visitor(app)
    asked = other.sign_in(goal="?next=/call-list")
    assert (asked.status_code, asked.location) == (303, "/login/code?next=/call-list")
    assert other.cookie("holdfast") is None
    assert other.cookie("holdfast-familiar") is None
    assert not is_signed_in(other)
    other.get(asked.location)
    landed = other.post("/login/code?next=/call-list", {"code": totp.at(later(app))})
    assert (landed.status_code, landed.location) == (303, "/call-list")
    assert is_signed_in(other)


def test_a_code_was_used_once_it_opened_a_session(app: Flask, anna: Visitor) -> None:
    totp, codes = enrol(anna)
    code = totp.at(later(app))
    first, second = Visitor(app), Visitor(app)
    first.sign_in()
    assert enter(first, code).status_code == 303
    second.sign_in()
    assert enter(second, code).status_code == 401
    assert enter(second, codes[0]).status_code == 303
    assert noted(app).count("second_factor_refused") == 1


def test_codes_cannot_be_guessed_however_often_the_password_is_given(app: Flask, anna: Visitor) -> None:
    totp, _ = enrol(anna)
    thief = Visitor(app, "203.0.113.1")
    statuses = []
    for _ in range(6):
        thief.sign_in()
        statuses.append(enter(thief, "000000").status_code)
    assert statuses == [401] * 4 + [429] * 2
    assert noted(app).count("second_factor_refused") == 4
    owner = Visitor(app, "198.51.100.7")
    owner.sign_in()
    assert enter(owner, totp.at(later(app))).status_code == 303


def test_without_a_password_given_the_code_page_leads_back(app: Flask, accounts: AccountService) -> None:
    visitor = Visitor(app)
    assert visitor.get("/login/code").location == "/login"
    visitor.get("/login")
    assert visitor.post("/login/code", {"code": "000000"}).location == "/login"


def test_a_note_of_the_password_outlives_no_change_of_it(app: Flask, anna: Visitor, accounts: AccountService) -> None:
    totp, _ = enrol(anna)
    other = Visitor(app)
    other.sign_in()
    accounts.set_password("anna", NEW, "root")
    assert enter(other, totp.at(later(app))).status_code == 401


def test_turning_it_off_takes_the_password_and_a_code(app: Flask, anna: Visitor) -> None:
    totp, _ = enrol(anna)
    code = totp.at(later(app))
    for current, given in (("wrong", code), (PASSWORD, "000000"), (PASSWORD, "")):
        refused = anna.post(FACTOR, {"do": "off", "current": current, "code": given})
        assert (refused.status_code, "Turn the second factor off" in refused.text) == (422, True)
    assert "second_factor_off" not in noted(app)
    assert anna.post(FACTOR, {"do": "off", "current": PASSWORD, "code": code}).status_code == 303
    assert Visitor(app).sign_in().location == "/"
    assert "second_factor_off" in noted(app)


def test_other_browsers_are_signed_out_from_here(app: Flask, anna: Visitor) -> None:
    elsewhere = Visitor(app)
    elsewhere.sign_in()
    assert anna.get("/account").text.count('<th scope="row">Another one</th>') == 1
    assert anna.post("/account/sessions", {}).status_code == 303
    assert "Signed out in 1 other browser." in anna.get("/account").text
    assert not is_signed_in(elsewhere)
    assert is_signed_in(anna)


def later(app: Flask) -> int:
    """An instant in the step after this one, whose code counts too: that of this one confirmed the factor."""
    return int((app.extensions["holdfast"].clock.now() + timedelta(seconds=30)).timestamp())
