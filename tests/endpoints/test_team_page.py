"""The team and the audit log, as administrators see them."""

import csv
import io
import re

import pytest
from flask import Flask

from data import audit_log
from services.accounts import AccountService
from tests.support.visitor import PASSWORD, Visitor


@pytest.fixture
def root(app: Flask, accounts: AccountService) -> Visitor:
    accounts.add("root", "admin", PASSWORD, "a test")
    visitor = Visitor(app)
    visitor.sign_in("root")
    visitor.get("/team")
    return visitor


def made_password(page: str) -> str:
    found = re.search(r'id="made-password">([a-z0-9-]+)<', page)
    assert found
    return found.group(1)


def test_a_new_user_gets_a_password_that_is_shown_once(app: Flask, root: Visitor) -> None:
    shown = root.post("/team", {"username": "Bo", "role": "viewer"})
    assert shown.status_code == 200
    password = made_password(shown.text)
    assert shown.headers["Cache-Control"] == "no-store"
    assert password not in root.get("/team").text
    assert Visitor(app).sign_in("bo", password).status_code == 303


@pytest.mark.parametrize(
    ("form", "complaint"),
    [
        ({"username": "two words", "role": "viewer"}, "The name must have"),
        ({"username": "anna", "role": "viewer"}, "There is a user anna already"),
        ({"username": "", "role": "viewer"}, "Must be filled in."),
        ({"username": "bo", "role": "emperor"}, "The role must be one of"),
    ],
)
def test_what_is_wrong_with_a_new_user_stands_beside_its_field(
    root: Visitor, form: dict[str, str], complaint: str
) -> None:
    response = root.post("/team", form)
    assert response.status_code == 422
    assert re.search(rf'<small[^>]*class="wrong"[^>]*>{complaint}', response.text)


@pytest.mark.parametrize("form", [{"do": "role", "role": "viewer"}, {"do": "disable"}, {"do": "password"}])
def test_a_change_signs_that_person_out_at_once(app: Flask, root: Visitor, form: dict[str, str]) -> None:
    anna = Visitor(app)
    anna.sign_in()
    assert anna.get("/account").status_code == 200
    assert root.post("/team/users/anna", form).status_code in (200, 303)
    assert anna.get("/account").status_code == 303


def test_a_disabled_user_comes_in_again_once_enabled(app: Flask, root: Visitor) -> None:
    root.post("/team/users/anna", {"do": "disable"})
    assert Visitor(app).sign_in().status_code == 401
    root.post("/team/users/anna", {"do": "enable"})
    assert Visitor(app).sign_in().status_code == 303


def test_a_reset_password_is_shown_once_and_works(app: Flask, root: Visitor) -> None:
    password = made_password(root.post("/team/users/anna", {"do": "password"}).text)
    assert Visitor(app).sign_in(password=password).status_code == 303
    assert Visitor(app).sign_in().status_code == 401


def test_a_lost_second_factor_is_taken_away(root: Visitor, app: Flask, accounts: AccountService) -> None:
    wired = app.extensions["holdfast"]
    wired.second_factor.start(accounts.one("anna").id)
    root.post("/team/users/anna", {"do": "second_factor"})
    assert accounts.one("anna").totp_secret is None


@pytest.mark.parametrize("form", [{"do": "disable"}, {"do": "role", "role": "viewer"}])
def test_the_last_administrator_stays_one(root: Visitor, form: dict[str, str]) -> None:
    response = root.post("/team/users/root", form)
    assert (response.status_code, "root is the only administrator" in response.text) == (422, True)
    assert root.get("/team").status_code == 200


@pytest.mark.parametrize(("name", "do", "complaint"), [("nobody", "disable", "no user nobody"), ("anna", "x", "do:")])
def test_what_cannot_be_done_is_said(root: Visitor, name: str, do: str, complaint: str) -> None:
    response = root.post(f"/team/users/{name}", {"do": do})
    assert (response.status_code, complaint in response.text.casefold()) == (422, True)


def test_the_log_tells_the_newest_first_and_is_filtered(root: Visitor) -> None:
    root.post("/team/users/anna", {"do": "disable"})
    root.get("/team")
    root.post("/team/users/anna", {"do": "enable"})
    page = root.get("/team/audit").text
    assert page.index("<td>user enabled</td>") < page.index("<td>user disabled</td>") < page.index("<td>signed in</td>")
    found = root.get("/team/audit?actor=root&action=user_disabled&subject=anna").text
    assert "<td>user disabled</td>" in found
    assert "<td>user enabled</td>" not in found
    assert "No entry is like that" in root.get("/team/audit?actor=nobody").text


def test_the_log_is_paged_without_gap_or_repetition(app: Flask, root: Visitor) -> None:
    wired = app.extensions["holdfast"]
    with wired.engine.begin() as connection:
        for number in range(250):
            audit_log.append(connection, wired.clock.now(), "paging", "counted", f"subject {number}", {})
    address, seen = "/team/audit?actor=paging", []
    while address:
        page = root.get(address).text
        seen += re.findall(r"<td>subject (\d+)</td>", page)
        older = re.search(r'href="([^"]+before=[^"]+)">Older', page)
        address = older.group(1).replace("&amp;", "&") if older else ""
    assert [int(each) for each in seen] == list(range(249, -1, -1))


def test_the_file_holds_what_the_filter_asks_for_and_no_formula(app: Flask, root: Visitor) -> None:
    wired = app.extensions["holdfast"]
    with wired.engine.begin() as connection:
        audit_log.append(connection, wired.clock.now(), "=cmd()", "config_set", "cutoff", {"before": "0.5"})
    response = root.get("/team/audit.csv?action=config_set")
    rows = list(csv.DictReader(io.StringIO(response.text.removeprefix("\ufeff"))))
    assert [(row["actor"], row["action"], row["details"]) for row in rows] == [("'=cmd()", "config_set", "before: 0.5")]
    assert "attachment" in response.headers["Content-Disposition"]


def test_only_administrators_are_shown_the_way_to_the_team(app: Flask, root: Visitor) -> None:
    anna = Visitor(app)
    anna.sign_in()
    assert 'href="/team"' in root.get("/account").text
    assert 'href="/team"' not in anna.get("/account").text
