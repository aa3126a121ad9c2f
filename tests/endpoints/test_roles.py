"""Every route × every role, as the map of addresses has them: a page that nobody decided about fails here."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from endpoints.apis import TOKEN_ONLY
from endpoints.pages import OPEN, PAGE_BLUEPRINTS
from services.accounts import ROLES, AccountService
from tests.support.visitor import PASSWORD, Visitor

ANONYMOUS = "anonymous"
ADMINS_ONLY = {"team_page", "tokens_page"}
VIEWERS_POST = {"model_ui.by_ids", "model_ui.what_if", "model_ui.answers_csv"}
OWN = {"account_page"}
WITHOUT_TOKEN = {
    "health.alive",
    "health.ready",
    "health.startup",
    "metadata.models_in_service",
    "metadata.openapi",
    "metadata.docs",
}
"""The calls of the API that anybody may make."""
SAMPLES = {"IntegerConverter": 1, "UUIDConverter": UUID(int=1)}
"""What stands in the place of a variable in an address, by its kind."""


def least(rule: Rule, method: str) -> str:
    """The least role that may make the request, by the words of the decision."""
    blueprint = rule.endpoint.rpartition(".")[0]
    if blueprint in ADMINS_ONLY:
        return "admin"
    if method == "GET" or rule.endpoint in VIEWERS_POST or blueprint in OWN:
        return "viewer"
    return "manager"


def requests(app: Flask, names: set[str]) -> Iterator[tuple[Rule, str, str]]:
    """Each route of the blueprints `names`, with each of its methods and an address of it."""
    with app.test_request_context():
        found = app.url_map.bind("localhost")
        for rule in app.url_map.iter_rules():
            if rule.endpoint.rpartition(".")[0] in names:
                given = {name: SAMPLES.get(type(rule._converters[name]).__name__, "x") for name in rule.arguments}
                address = rule.build(given)
                assert address, rule
                for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                    assert found.match(address[1], method)[0] == rule.endpoint, "a sample that this route takes"
                    yield rule, method, address[1]


def names_of(blueprints: tuple[object, ...]) -> set[str]:
    return {getattr(each, "name", "") for each in blueprints}


def verdict(response: TestResponse) -> str:
    """A post that may be made fails for its missing form token, so that trying it changes nothing."""
    if response.status_code == 303 and (response.location or "").startswith("/login"):
        return "sign in first"
    if response.status_code == 403:
        return "refused"
    return "let in"


def send(visitor: Visitor, method: str, address: str, **options: Any) -> TestResponse:
    given = {"headers": {"Accept": "text/html"}, "base_url": "http://localhost", **options}
    return visitor.client.open(address, method=method, **given)


def test_every_route_is_decided_about(app: Flask) -> None:
    decided = names_of((*TOKEN_ONLY, *OPEN, *PAGE_BLUEPRINTS))
    found = {rule.endpoint.rpartition(".")[0] for rule in app.url_map.iter_rules()}
    assert found <= decided, "name the blueprint in endpoints/pages.py, as a page or as open to all"
    assert not names_of(PAGE_BLUEPRINTS) & names_of((*TOKEN_ONLY, *OPEN))


@pytest.mark.parametrize("role", [ANONYMOUS, *ROLES])
def test_every_page_lets_in_whom_it_should(app: Flask, accounts: AccountService, role: str) -> None:
    visitor = Visitor(app)
    if role != ANONYMOUS:
        accounts.add("bo", role, PASSWORD, "a test")
        visitor.sign_in("bo")
    walked = list(requests(app, names_of(PAGE_BLUEPRINTS)))
    assert {rule.endpoint.rpartition(".")[0] for rule, _, _ in walked} == names_of(PAGE_BLUEPRINTS)
    wrong = []
    for rule, method, address in walked:
        found, expected = verdict(send(visitor, method, address)), expectation(role, least(rule, method))
        if found != expected:
            wrong.append(f"{role} {method} {address}: {found} instead of {expected}")
    assert not wrong


def expectation(role: str, needed: str) -> str:
    if role == ANONYMOUS:
        return "sign in first"
    return "let in" if ROLES.index(role) >= ROLES.index(needed) else "refused"


def test_a_session_opens_no_call_of_the_api(app: Flask, accounts: AccountService) -> None:
    accounts.add("bo", "admin", PASSWORD, "a test")
    visitor = Visitor(app)
    visitor.sign_in("bo")
    let_in = {
        rule.endpoint
        for rule, method, address in requests(app, names_of(TOKEN_ONLY))
        if send(visitor, method, address, json={} if method == "POST" else None).status_code != 401
    }
    assert let_in == WITHOUT_TOKEN


def test_a_route_that_nobody_named_is_for_administrators(app: Flask, accounts: AccountService) -> None:
    app.add_url_rule("/forgotten", "forgotten", lambda: "here")
    visitor = Visitor(app)
    visitor.sign_in()
    assert visitor.get("/forgotten").status_code == 403
    accounts.add("bo", "admin", PASSWORD, "a test")
    visitor.sign_in("bo")
    assert visitor.get("/forgotten").text == "here"


def test_who_is_refused_reads_which_role_is_needed(app: Flask, accounts: AccountService) -> None:
    accounts.add("bo", "viewer", PASSWORD, "a test")
    visitor = Visitor(app)
    visitor.sign_in("bo")
    visitor.get("/call-list/suggestions")
    response = visitor.post("/call-list/suggestions", {"advice": "x"})
    assert response.status_code == 403
    assert "the role manager or a higher one, and you are signed in as viewer" in response.text


def test_a_role_that_somebody_made_up_may_nothing(app: Flask, accounts: AccountService) -> None:
    visitor = Visitor(app)
    visitor.sign_in()
    with app.extensions["holdfast"].engine.begin() as connection:
        connection.exec_driver_sql("update app_credentials set role = 'emperor'")
    assert visitor.get("/model_interface").status_code == 403
