"""Signing in and out over HTTP: cookies, form tokens, where one lands, what an ended session is worth."""

from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import update

from data.tables import sessions
from helpers.logs import configure_logging
from services.accounts import AccountService
from services.sign_in import ABSOLUTE, IDLE
from tests.support.models import Trained
from tests.support.stack import application
from tests.support.visitor import PASSWORD, Visitor, set_cookies


@pytest.fixture
def visitor(app: Flask, accounts: AccountService) -> Visitor:
    return Visitor(app)


def is_signed_in(visitor: Visitor) -> bool:
    """Whether the pages open; others are sent to sign in."""
    return visitor.get("/").status_code == 200


def test_the_right_password_opens_the_pages(visitor: Visitor) -> None:
    response = visitor.sign_in()
    assert (response.status_code, response.location) == (303, "/")
    assert is_signed_in(visitor)


@pytest.mark.parametrize(("name", "password"), [("anna", "wrong password"), ("nobody", PASSWORD), ("", "")])
def test_anything_else_is_answered_alike(visitor: Visitor, name: str, password: str) -> None:
    response = visitor.sign_in(name, password)
    assert response.status_code == 401
    assert "User name or password is not right." in response.text
    assert password not in response.text or not password
    assert not is_signed_in(visitor)


def test_over_plain_http_the_cookie_is_kept_from_scripts_and_other_sites(visitor: Visitor) -> None:
    line = set_cookies(visitor.sign_in())["holdfast"]
    assert "HttpOnly" in line
    assert "SameSite=Lax" in line
    assert "Path=/" in line
    assert "Domain" not in line
    assert "Secure" not in line


@pytest.mark.promise("P21")
def test_over_tls_every_cookie_is_locked_to_the_host(app: Flask, accounts: AccountService) -> None:
    visitor = Visitor(app, scheme="https")
    cookies = set_cookies(visitor.sign_in())
    assert {"__Host-holdfast", "__Host-holdfast-familiar"} <= set(cookies)
    for name in ("__Host-holdfast", "__Host-holdfast-familiar"):
        assert "Secure" in cookies[name]
        assert "HttpOnly" in cookies[name]
        assert "Domain" not in cookies[name]
    assert is_signed_in(visitor)


def test_over_tls_a_cookie_without_the_host_prefix_is_nobody(app: Flask, accounts: AccountService) -> None:
    plain = Visitor(app)
    plain.sign_in()
    secure = Visitor(app, scheme="https")
    secure.client.set_cookie("holdfast", plain.cookie("holdfast") or "")
    assert not is_signed_in(secure)


def test_a_session_planted_before_the_sign_in_is_not_the_one_after(app: Flask, visitor: Visitor) -> None:
    planted = Visitor(app)
    planted.sign_in()
    known = planted.cookie("holdfast") or ""
    visitor.get("/login")
    visitor.client.set_cookie("holdfast", known)
    assert visitor.post("/login", {"username": "anna", "password": PASSWORD}).status_code == 303
    assert visitor.cookie("holdfast") != known
    assert is_signed_in(visitor)
    assert not is_signed_in(planted), "and the planted one is over"


def test_form_tokens_of_before_the_sign_in_are_worth_nothing_after(visitor: Visitor) -> None:
    visitor.get("/login")
    old = visitor._token
    visitor.sign_in()
    response = visitor.post("/logout", {"csrf_token": old})
    assert response.status_code == 400
    assert is_signed_in(visitor)


@pytest.mark.parametrize("token", ["", "forged", "ImFiYyI.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb"])
def test_a_form_without_its_token_does_nothing(visitor: Visitor, token: str) -> None:
    visitor.get("/login")
    form = {"username": "anna", "password": PASSWORD, "csrf_token": token}
    assert visitor.post("/login", form).status_code == 400
    assert not is_signed_in(visitor)


def test_a_form_token_of_another_browser_does_nothing(app: Flask, visitor: Visitor) -> None:
    other = Visitor(app)
    other.get("/login")
    visitor.get("/login")
    form = {"username": "anna", "password": PASSWORD, "csrf_token": other._token}
    assert visitor.post("/login", form).status_code == 400


@pytest.mark.parametrize("goal", ["/model_interface?ids=a%2Cb", "/model_interface?client=%C3%A4", "/docs"])
def test_one_lands_where_one_wanted(visitor: Visitor, goal: str) -> None:
    asked = visitor.get(goal)
    if asked.status_code == 303:
        assert asked.location.startswith("/login?next=")
    query = "?" + asked.location.split("?", 1)[1] if asked.status_code == 303 else f"?next={goal}"
    assert visitor.sign_in(goal=query).location == goal


@pytest.mark.parametrize(
    "evil",
    [
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "///evil.example",
        "/%09/evil.example",
        "javascript:alert(1)",
        "evil.example",
        "/\tevil",
        "/a\r\nSet-Cookie: x=y",
    ],
)
def test_one_never_lands_elsewhere(visitor: Visitor, evil: str) -> None:
    visitor.get("/login", query_string={"next": evil})
    form = {"username": "anna", "password": PASSWORD}
    sent = {"Accept": "text/html"}
    response = visitor.client.post(
        "/login", query_string={"next": evil}, data={**form, "csrf_token": visitor._token}, headers=sent
    )
    assert response.status_code == 303
    assert response.location in ("/", "/%09/evil.example")
    assert "x" not in set_cookies(response)


@pytest.mark.promise("P20")
def test_signing_out_takes_a_form_and_kills_the_session_on_the_server(app: Flask, visitor: Visitor) -> None:
    visitor.sign_in()
    stolen = visitor.cookie("holdfast") or ""
    assert visitor.get("/logout").status_code == 405
    assert is_signed_in(visitor)
    visitor.get("/model_interface")
    assert visitor.post("/logout", {}).location == "/login"
    assert visitor.cookie("holdfast") is None
    thief = Visitor(app)
    thief.client.set_cookie("holdfast", stolen)
    assert not is_signed_in(thief)


@pytest.mark.promise("P20")
@pytest.mark.parametrize("ending", ["password", "disabled", "role", "second factor", "idle", "absolute"])
def test_an_ended_session_cannot_be_replayed(
    app: Flask, accounts: AccountService, visitor: Visitor, ending: str
) -> None:
    visitor.sign_in()
    assert is_signed_in(visitor)
    endings: dict[str, Callable[[], object]] = {
        "password": lambda: accounts.set_password("anna", None, "anna"),
        "disabled": lambda: accounts.disable("anna", "root"),
        "role": lambda: accounts.set_role("anna", "viewer", "root"),
        "second factor": lambda: accounts.reset_second_factor("anna", "root"),
        "idle": lambda: age(app, seen=IDLE),
        "absolute": lambda: age(app, expires=ABSOLUTE),
    }
    endings[ending]()
    for _ in range(2):
        assert not is_signed_in(visitor)


def test_a_form_posted_after_the_end_leads_to_signing_in_and_back(app: Flask, visitor: Visitor) -> None:
    visitor.sign_in()
    age(app, seen=IDLE)
    visitor.get("/login")
    headers = {"Referer": "http://localhost/model_interface?view=what-if"}
    response = visitor.post("/model_interface", {"ids": "a"}, headers)
    assert (response.status_code, response.location) == (
        303,
        "/login?next=/model_interface?view%3Dwhat-if",
    )
    script = visitor.post("/model_interface", {"ids": "a"}, {**headers, "HX-Request": "true"})
    assert script.status_code == 401
    assert script.headers["HX-Redirect"] == response.location


def test_pages_of_people_are_kept_out_of_caches(visitor: Visitor) -> None:
    for path in ("/login", "/", "/model_interface"):
        assert visitor.get(path).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/login", "/nowhere", "/model_interface", "/docs"])
def test_every_page_is_hardened(visitor: Visitor, path: str) -> None:
    headers = visitor.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_without_its_database_the_page_says_so(app: Flask, visitor: Visitor) -> None:
    visitor.sign_in()
    with app.extensions["holdfast"].engine.begin() as connection:
        sessions.drop(connection)
    response = visitor.get("/model_interface")
    assert response.status_code == 503
    assert "database" in response.text
    assert response.headers["Retry-After"]


@pytest.mark.promise("P21")
def test_in_production_the_form_cookie_is_locked_to_the_host_too(
    tmp_path: Path, trained: Trained, embedded_redis_url: str
) -> None:
    settings = {"ENVIRONMENT": "prod", "SECRET_KEY": "k" * 40}
    with application(tmp_path, trained, embedded_redis_url, **settings) as made:
        response = Visitor(made, scheme="https").get("/login")
    line = set_cookies(response)["__Host-holdfast-form"]
    for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert part in line
    assert "Domain" not in line
    assert "max-age" in response.headers["Strict-Transport-Security"]


@pytest.mark.promise("P22")
def test_no_password_reaches_the_log(visitor: Visitor) -> None:
    with StringIO() as stream, redirect_stdout(stream), redirect_stderr(stream):
        configure_logging()
        visitor.sign_in(password="canary-in-a-wrong-password")
        visitor.sign_in("canary-in-a-name")
        visitor.sign_in()
        written = stream.getvalue()
    configure_logging()  # or the next test would log to a stream that is closed
    assert "signed_in" in written
    assert PASSWORD not in written
    assert "canary" not in written


def test_the_password_field_is_masked_and_known_to_password_managers(visitor: Visitor) -> None:
    page = visitor.get("/login").text
    assert 'type="password" autocomplete="current-password"' in page
    assert 'autocomplete="username"' in page


def age(app: Flask, *, seen: timedelta = timedelta(), expires: timedelta = timedelta()) -> None:
    """Moves every session back in time."""
    wanted = update(sessions).values(
        last_seen_at=app.extensions["holdfast"].clock.now() - seen,
        expires_at=app.extensions["holdfast"].clock.now() + ABSOLUTE - expires,
    )
    with app.extensions["holdfast"].engine.begin() as connection:
        connection.execute(wanted)
