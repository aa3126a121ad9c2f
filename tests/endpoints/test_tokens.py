"""What a call may do by its token, and every way to come by more."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from apiflask import APIFlask
from flask import g
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from tests.endpoints.test_bad_input import check_problem
from tests.support.deployment import TOKEN
from tests.support.models import Trained
from tests.support.stack import application, configure
from tests.support.tokens import AUDIENCE, SECRET, key_set, private_key, public_jwk, secret_jwk, signed
from tests.support.visitor import PASSWORD, Visitor

Call = Callable[..., TestResponse]
KEYS = key_set(public_jwk(private_key()), secret_jwk())
SCOPES = {
    "predict": "predict",
    "predict_v1": "predict",
    "predict_batch": "predict",
    "outcomes": "outcomes",
    "actions": "outcomes",
    "assignment": "read",
    "experiments": "read",
    "experiment_readout": "read",
    "call_list": "read",
    "config_refresh": "config:write",
    "config_refresh_post": "config:write",
    "metrics": "metrics",
}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, trained: Trained, embedded_redis_url: str) -> Iterator[APIFlask]:
    """One application for all of these, which takes signed tokens too."""
    var_dir: Path = tmp_path_factory.mktemp("tokens")
    with application(var_dir, trained, embedded_redis_url, JWT_KEYS=KEYS, METRICS_TOKEN="of-the-scraper") as made:
        configure(made, aliases=trained.aliases)
        yield made


@pytest.fixture
def call(app: APIFlask) -> Call:
    """POST /predict, or another call, by a token in the header; nothing of it is right but the token."""

    def send(token: str | bytes, path: str = "/predict", method: str = "POST") -> TestResponse:
        text = token.decode("latin-1") if isinstance(token, bytes) else token
        given = {"Authorization": f"Bearer {text}"}
        return app.test_client().open(path, method=method, headers=given, json={} if method == "POST" else None)

    return send


@pytest.fixture
def made(app: APIFlask) -> Callable[..., str]:
    """Makes tokens, each of another name."""

    def make(*scopes: str) -> str:
        tokens = app.extensions["holdfast"].access_tokens
        made: str = tokens.add(f"made {len(tokens.listing())}", scopes, None, "a test").text
        return made

    return make


def claims(**changes: Any) -> dict[str, Any]:
    given = {"sub": "etl", "aud": AUDIENCE, "exp": datetime.now(UTC).timestamp() + 60, "scope": "predict", **changes}
    return {name: value for name, value in given.items() if value is not None}


def test_the_description_names_the_scope_that_each_call_asks_for(app: APIFlask, call: Call, made: Any) -> None:
    spec = app.test_client().get("/openapi.json").get_json()
    assert all(scope in spec["components"]["securitySchemes"]["token"]["description"] for scope in SCOPES.values())
    described = {}
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            for each in operation.get("security", []):
                (described[operation["operationId"]],) = each["token"]
                spelled = path.replace("{client_id}", "anna").replace("{name}", "one")
                others = sorted(set(SCOPES.values()) - set(each["token"]))
                answer = call(made(*others), spelled, method.upper())
                problem = check_problem(answer, 403)
                assert f"lacks the scope {each['token'][0]}" in problem["detail"]
                challenge = answer.headers["WWW-Authenticate"]
                assert challenge == f'Bearer realm="holdfast", error="insufficient_scope", scope="{each["token"][0]}"'
    assert described.items() >= SCOPES.items()


@pytest.mark.parametrize(
    ("scope", "path", "method", "status"),
    [
        ("predict", "/predict", "POST", 422),
        ("predict", "/v1/predict/batch", "POST", 422),
        ("outcomes", "/outcomes", "POST", 422),
        ("outcomes", "/actions", "POST", 422),
        ("read", "/v1/experiments", "GET", 200),
        ("read", "/assignments/anna", "GET", 200),
        ("config:write", "/config-refresh", "GET", 200),
        ("metrics", "/metrics", "GET", 200),
    ],
)
def test_one_scope_is_enough(call: Call, made: Any, scope: str, path: str, method: str, status: int) -> None:
    assert call(made(scope), path, method).status_code == status
    assert call(signed(claims(scope=scope)), path, method).status_code == status
    assert call(TOKEN, path, method).status_code == status


def test_the_scraper_s_token_reads_metrics_alone(call: Call) -> None:
    assert call("of-the-scraper", "/metrics", "GET").status_code == 200
    check_problem(call("of-the-scraper", "/v1/experiments", "GET"), 403)


@pytest.mark.parametrize(
    "token",
    [
        "eyJhbGciOiJub25lIiwia2lkIjoicnNhLTEifQ.eyJhdWQiOiJob2xkZmFzdCJ9.",
        signed(claims(exp=1)),
        signed(claims(exp=None)),
        signed(claims(aud=None)),
        signed(claims(aud="another")),
        signed(claims(), kid=None),
        signed(claims(), kid="unknown"),
        signed(claims(), "rsa-1", SECRET, "HS256"),
        signed(claims(), "oct-1"),
        signed(claims(), "rsa-1", private_key(number=1)),
    ],
)
def test_a_signed_token_that_is_not_right_is_401(call: Call, token: str) -> None:
    answer = call(token)
    problem = check_problem(answer, 401)
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="holdfast", error="invalid_token"'
    missing = check_problem(call(""), 401)
    assert [problem.pop("request_id") != "", missing.pop("request_id") != ""] == [True, True]
    assert problem == missing, "the body tells nothing of why"


@pytest.mark.parametrize(
    "token",
    ["hf_", "hf_" + "x" * 43, "hf_" + "x" * 8_190, "x" * 50_000, "hf_ü😀".encode(), "ümläut", "a.b.c", TOKEN * 2],
    ids=["prefix", "form", "long", "longer", "bytes", "letters", "parts", "twice"],
)
def test_an_unknown_token_is_403(call: Call, token: str | bytes) -> None:
    assert check_problem(call(token), 403)["detail"] == "access denied"


@pytest.mark.parametrize("token", ["hf_😀", "x" * 1_000_000, "\ufeff" + TOKEN, "", " ", "\0"])
def test_in_the_body_likewise(app: APIFlask, token: str) -> None:
    answer = app.test_client().post("/predict", json={"token": token})
    assert check_problem(answer, 403)["detail"] == "access denied"


def test_a_revoked_token_is_as_wrong_as_an_unknown_one(app: APIFlask, call: Call) -> None:
    wired = app.extensions["holdfast"]
    token = wired.access_tokens.add("to be revoked", ["read"], None, "a test").text
    assert call(token, "/v1/experiments", "GET").status_code == 200
    wired.access_tokens.revoke("to be revoked", "a test")
    while (answer := call(token, "/v1/experiments", "GET")).status_code == 200:
        time.sleep(0.1)  # nobody but the process itself looks again
    assert check_problem(answer, 403)["detail"] == "access denied"


def test_a_token_counts_nowhere_but_in_header_and_body(app: APIFlask, made: Any) -> None:
    token = made("read", "predict")
    anonymous = app.test_client()
    check_problem(anonymous.get("/v1/experiments", query_string={"token": token, "access_token": token}), 401)
    anonymous.set_cookie("token", token)
    check_problem(anonymous.get("/v1/experiments", headers={"X-Token": token}), 401)
    check_problem(anonymous.post("/predict", data={"token": token}), 415)
    check_problem(anonymous.post("/predict", json={"token": token}), 422)


def test_the_header_wins_over_the_body(app: APIFlask, made: Any) -> None:
    good, wrong = made("predict"), made("read")
    for header, body, status in ((good, wrong, 422), (wrong, good, 403), (good, "nonsense", 422)):
        headers = {"Authorization": f"bearer {header}"}
        assert app.test_client().post("/predict", json={"token": body}, headers=headers).status_code == status


def test_a_session_opens_no_call(app: APIFlask) -> None:
    app.extensions["holdfast"].accounts.add("anna", "admin", PASSWORD, "a test")
    visitor = Visitor(app)
    visitor.sign_in()
    check_problem(visitor.client.get("/v1/experiments", headers={"Accept": "application/json"}), 401)
    check_problem(visitor.client.post("/predict", json={}), 401)


def test_a_call_knows_who_sends_it(app: APIFlask, made: Any) -> None:
    token, etl = made("read"), signed(claims(scope="read"))
    for given, actor in ((TOKEN, "token: ACCESS_TOKEN"), (etl, "signed: etl"), (token, "token: made")):
        with app.test_request_context("/v1/experiments", headers={"Authorization": f"Bearer {given}"}):
            app.full_dispatch_request()
            assert g.caller.actor.startswith(actor)


@pytest.mark.promise("P22")
def test_no_token_reaches_the_log(call: Call, made: Any) -> None:
    tokens = [signed(claims(exp=1)), "hf_canary-of-a-token", TOKEN]
    with capture_logs() as written:
        tokens.append(made("read"))
        for token in tokens:
            call(token, "/v1/experiments", "GET")
    assert {"token_added", "token_refused", "request"} <= {each["event"] for each in written}
    assert [token for token in tokens if token in str(written)] == []
