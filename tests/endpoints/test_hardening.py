"""Every response, whatever its route and status, carries the headers that keep a browser in its place."""

from pathlib import Path

import pytest
from apiflask import APIFlask
from flask import request
from flask.testing import FlaskClient

from tests.support.models import Trained
from tests.support.stack import application, configure

METHODS = ("get", "post", "put", "delete", "patch", "head", "options")


def addresses(app: APIFlask) -> list[str]:
    rules = (str(rule) for rule in app.url_map.iter_rules())
    return sorted({rule.replace("<path:name>", "app.css").replace("<digest>", "x") for rule in rules} | {"/absent"})


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_headers_on_all_routes_methods_and_errors(app: APIFlask, scheme: str) -> None:
    client = app.test_client()
    statuses = set()
    for address in addresses(app):
        for method in METHODS:
            answer = getattr(client, method)(address, base_url=f"{scheme}://localhost")
            statuses.add(answer.status_code)
            policy = answer.headers["Content-Security-Policy"]
            assert "unsafe" not in policy
            assert "default-src 'self'" in policy or "default-src 'none'" in policy, (address, method)
            for directive in ("base-uri 'none'", "frame-ancestors 'none'", "object-src 'none'"):
                assert directive in policy, (address, method)
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["X-Frame-Options"] == "DENY"
            assert ("Strict-Transport-Security" in answer.headers) == (scheme == "https")
            assert answer.status_code < 500, (address, method)
    assert {200, 401, 404, 405} <= statuses


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
