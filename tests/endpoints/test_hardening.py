"""Every response, whatever its route and status, carries the headers that keep a browser in its place."""

import re
from pathlib import Path
from typing import Any

import pytest
from apiflask import APIFlask
from flask import request
from flask.testing import FlaskClient
from werkzeug.datastructures import Headers

from data.tables import outcomes
from endpoints.serving.refusals import OVERLOADED, TOO_SLOW
from services.accounts import AccountService
from tests.support.deployment import TOKEN
from tests.support.models import Trained
from tests.support.stack import application, configure
from tests.support.visitor import PASSWORD, Visitor

SAMPLES = {"int": "1", "uuid": "00000000-0000-0000-0000-000000000001"}
EXPECTED = {"nobody": {200, 303, 401, 404, 405}, "program": {200, 404, 405, 415}, "person": {200, 303, 404, 405, 422}}
"""What each of them meets on the way."""

METHODS = ("get", "post", "put", "delete", "patch", "head", "options")


def addresses(app: APIFlask) -> list[str]:
    rules = (str(rule) for rule in app.url_map.iter_rules())
    plain = {re.sub(r"<(?:(\w+):)?\w+>", lambda found: SAMPLES.get(found[1], "x"), rule) for rule in rules}
    return sorted(plain | {"/assets/app.css", "/absent"})


def check_hardened(headers: Headers, scheme: str) -> None:
    policy = headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'self'" in policy or "default-src 'none'" in policy
    for directive in ("base-uri 'none'", "frame-ancestors 'none'", "object-src 'none'"):
        assert directive in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert ("Strict-Transport-Security" in headers) == (scheme == "https")
    for line in headers.getlist("Set-Cookie"):
        assert "HttpOnly" in line
        assert "SameSite" in line
        assert "Domain" not in line


@pytest.mark.promise("P21")
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("who", ["nobody", "program", "person"])
def test_headers_on_all_routes_methods_and_errors(
    app: APIFlask, accounts: AccountService, scheme: str, who: str
) -> None:
    accounts.add("root", "admin", PASSWORD, "a test")
    visitor = Visitor(app, scheme=scheme)
    headers = {"Authorization": f"Bearer {TOKEN}"} if who == "program" else {}
    statuses = set()
    for address in addresses(app):
        for method in METHODS:
            if who == "person" and visitor.get("/account").status_code != 200:
                visitor.sign_in("root")
            if who == "person":
                headers = {"X-CSRFToken": visitor._token, "Accept": "text/html", "Referer": f"{scheme}://localhost/"}
            answer = getattr(visitor.client, method)(address, base_url=f"{scheme}://localhost", headers=headers)
            statuses.add(answer.status_code)
            check_hardened(answer.headers, scheme)
            assert answer.status_code < 500, (address, method, answer.text)
    assert EXPECTED[who] <= statuses


@pytest.mark.promise("P21")
def test_headers_on_every_other_error(app: APIFlask, client: FlaskClient, customer: dict[str, Any]) -> None:
    app.add_url_rule("/broken", "health.broken", lambda: str(1 // 0))
    app.config["PROPAGATE_EXCEPTIONS"] = False
    body = {"client_id": "a", **customer}
    visitor = Visitor(app)
    answers = [
        client.post("/predict", data=b"{", content_type="application/json"),
        client.post("/predict", json=body, headers={"Authorization": "Bearer wrong"}),
        client.post("/predict", data=b"x" * 10_000_000, content_type="application/json"),
        client.post("/predict", data=b"{}", content_type="text/plain"),
        client.post("/predict", json={}),
        *(visitor.sign_in(password="wrong") for _ in range(5)),
        client.get("/broken"),
    ]
    outcomes.drop(app.extensions["holdfast"].engine)
    answers.append(client.post("/outcomes", json={"client_id": "a", "churned": True, "observed_at": "2026-01-01"}))
    assert {each.status_code for each in answers} == {400, 403, 413, 415, 422, 401, 429, 500, 503}
    for answer in answers:
        check_hardened(answer.headers, "http")


@pytest.mark.promise("P21")
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_headers_on_a_prediction_that_no_framework_answers(
    client: FlaskClient, customer: dict[str, Any], scheme: str
) -> None:
    answer = client.post("/predict", json={"client_id": "a", **customer}, base_url=f"{scheme}://localhost")
    assert answer.status_code == 200
    check_hardened(answer.headers, scheme)


@pytest.mark.promise("P21")
@pytest.mark.parametrize("refusal", [OVERLOADED, TOO_SLOW])
def test_headers_on_the_refusal_of_a_request_that_nobody_read(refusal: bytes) -> None:
    _status, *lines = refusal.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    check_hardened(Headers([(name, value) for name, _, value in (line.partition(": ") for line in lines)]), "http")


def test_a_forged_host_is_refused_where_the_public_address_is_known(
    tmp_path: Path, trained: Trained, embedded_redis_url: str
) -> None:
    with application(tmp_path, trained, embedded_redis_url, PUBLIC_URL="https://holdfast.example") as app:
        configure(app, aliases=dict(trained.aliases))
        client = app.test_client()
        assert client.get("/login", headers={"Host": "evil.example"}).status_code == 400
        assert client.get("/login", headers={"Host": "holdfast.example"}).status_code == 200
        assert client.get("/health", headers={"Host": "10.1.2.3:8000"}).status_code == 200


@pytest.mark.parametrize(("proxies", "seen"), [("0", "127.0.0.1 http"), ("1", "1.2.3.4 https")])
def test_forwarded_headers_are_believed_only_behind_a_proxy(
    tmp_path: Path, trained: Trained, embedded_redis_url: str, proxies: str, seen: str
) -> None:
    with application(tmp_path, trained, embedded_redis_url, TRUSTED_PROXIES=proxies) as app:
        app.add_url_rule("/seen", "health.seen", lambda: f"{request.remote_addr} {request.scheme}")
        forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "6.6.6.6, 1.2.3.4"}
        assert app.test_client().get("/seen", headers=forwarded).get_data(as_text=True) == seen


@pytest.mark.parametrize("given", ["spaced out", "x" * 65, "line\x7f", ""])
def test_a_strange_request_id_is_replaced(client: FlaskClient, given: str) -> None:
    answer = client.get("/health", headers={"X-Request-ID": given})
    assert answer.headers["X-Request-ID"] != given
    assert len(answer.headers["X-Request-ID"]) == 36
