"""The tokens section of the Team page: makes tokens that work, shows each once, and revokes."""

import re
from html import unescape

import pytest
from apiflask import APIFlask

from services.access_tokens import AccessTokens
from tests.endpoints.test_bad_input import check_problem
from tests.support.visitor import PASSWORD, Visitor, text_of

PATH = "/team/tokens"
TOKEN = re.compile(r"hf_[A-Za-z0-9_-]{43}")


@pytest.fixture
def tokens(app: APIFlask) -> AccessTokens:
    found: AccessTokens = app.extensions["holdfast"].access_tokens
    return found


@pytest.fixture
def visitor(app: APIFlask) -> Visitor:
    app.extensions["holdfast"].accounts.add("anna", "admin", PASSWORD, "a test")
    found = Visitor(app)
    found.sign_in()
    found.get(PATH)
    return found


def test_a_token_is_shown_once_works_and_is_revoked(visitor: Visitor, app: APIFlask, tokens: AccessTokens) -> None:
    assert "No token yet" in visitor.get("/team").text
    response = visitor.post(PATH, {"name": "crm", "scopes": "read", "days": "30"})
    assert (response.status_code, response.headers["Cache-Control"]) == (200, "no-store")
    (token,) = TOKEN.findall(response.text)
    headers = {"Authorization": f"Bearer {token}"}
    assert app.test_client().get("/v1/experiments", headers=headers).status_code == 200
    for path in (PATH, "/team"):
        seen = visitor.get(path).text
        assert TOKEN.search(seen) is None
        assert f"crm {token[:9]}… read active" in text_of(seen)
    (made,) = tokens.listing()
    assert made.created_by == "anna"
    assert visitor.post(f"{PATH}/revoke", {"name": "crm"}).location == "/team"
    seen = text_of(visitor.get("/team").text)
    assert "The token crm is revoked" in seen
    assert f"crm {token[:9]}… read revoked" in seen
    assert app.extensions["holdfast"].token_memory.reread().wait(10)
    check_problem(app.test_client().get("/v1/experiments", headers=headers), 403)


@pytest.mark.parametrize(
    ("form", "complaint"),
    [
        ({"name": " ", "scopes": "read"}, "Must be filled in."),
        ({"name": "<b>", "scopes": "read"}, "A token's name must have"),
        ({"name": "taken", "scopes": "read"}, "There is a token taken already"),
        ({"name": "crm"}, "A token needs a scope"),
        ({"name": "crm", "scopes": "everything"}, "choose among"),
        ({"name": "crm", "scopes": "read", "days": "soon"}, "whole number of days"),
        ({"name": "crm", "scopes": "read", "days": "0"}, "from 1 to 3,650"),
        ({"name": "crm", "scopes": "read", "days": "99999"}, "from 1 to 3,650"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_what_was_entered_stays(
    visitor: Visitor, tokens: AccessTokens, form: dict[str, str], complaint: str
) -> None:
    tokens.add("taken", ["read"], None, "a test")
    response = visitor.post(PATH, form)
    assert response.status_code == 422
    (wrong,) = re.findall(r'<small id="token-\w+-help" class="wrong">([^<]*)<', response.text)
    assert complaint in unescape(wrong)
    assert "<b>" not in response.text
    assert ("checked" in response.text) == (form.get("scopes") == "read")
    assert [each.name for each in tokens.listing()] == ["taken"]


def test_a_token_that_is_not_there_cannot_be_revoked(visitor: Visitor) -> None:
    response = visitor.post(f"{PATH}/revoke", {"name": "<b>nobody"})
    assert response.status_code == 422
    assert "There is no token <b>nobody" in text_of(response.text).replace("there", "There")


@pytest.mark.parametrize("role", ["viewer", "manager"])
def test_nobody_but_administrators_comes_near(app: APIFlask, tokens: AccessTokens, role: str) -> None:
    app.extensions["holdfast"].accounts.add("bo", role, PASSWORD, "a test")
    visitor = Visitor(app)
    visitor.sign_in("bo")
    for response in (visitor.get(PATH), visitor.post(PATH, {"name": "crm", "scopes": "read"})):
        assert response.status_code == 403
    tokens.add("crm", ["read"], None, "a test")
    assert visitor.post(f"{PATH}/revoke", {"name": "crm"}).status_code == 403
    assert tokens.listing()[0].revoked_at is None
