"""Which role a request needs: decided here for every route, so that no page can forget to ask.

A page is read by viewers and changed by managers, unless it is named here. What is registered without being either
a page or open to all is for administrators alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from flask import Flask, current_app, g, request
from flask.typing import ResponseReturnValue

from endpoints.problems import Problem
from endpoints.session_cookie import require_visitor, visitor
from services.accounts import ROLES, Role
from services.sign_in import SignedIn

log = structlog.get_logger()
READING = frozenset({"GET", "HEAD", "OPTIONS"})
_KEY = "roles"


@dataclass(frozen=True, slots=True)
class Rule:
    """The least role that may read a page, and the least that may post to it."""

    read: Role
    change: Role


USUAL = Rule("viewer", "manager")
UNDECIDED = Rule("admin", "admin")
OF_BLUEPRINTS = {
    "account_page": Rule("viewer", "viewer"),
    "team_page": Rule("admin", "admin"),
    "tokens_page": Rule("admin", "admin"),
}
ASKING = frozenset({"model_ui.by_ids", "model_ui.what_if", "model_ui.answers_csv"})
"""Posts that ask and change nothing: whoever reads the page may send them."""


@dataclass(frozen=True, slots=True)
class _Registered:
    open: frozenset[str]
    pages: frozenset[str]


def guard(app: Flask, open_to_all: Iterable[str], pages: Iterable[str]) -> None:
    """Asks for the role before anything else of a request is looked at; both are names of blueprints."""
    app.extensions[_KEY] = _Registered(frozenset(open_to_all), frozenset(pages))
    app.before_request(_require_role)


def needed(endpoint: str, method: str) -> Role | None:
    """The least role for the request; None where nobody need be signed in."""
    registered: _Registered = current_app.extensions[_KEY]
    blueprint = endpoint.rpartition(".")[0]
    if blueprint in registered.open:
        return None
    rule = OF_BLUEPRINTS.get(blueprint, USUAL) if blueprint in registered.pages else UNDECIDED
    return rule.read if method in READING or endpoint in ASKING else rule.change


def may(role: Role) -> bool:
    """Whether whoever asks holds `role` or a higher one; for templates, which hide what is refused anyway."""
    person: SignedIn | None = g.get("visitor")
    return person is not None and _rank(person.role) >= _rank(role)


def may_read(endpoint: str) -> bool:
    """Whether whoever asks may open that page."""
    role = needed(endpoint, "GET")
    return role is None or may(role)


def _require_role() -> ResponseReturnValue | None:
    role = needed(request.endpoint, request.method) if request.endpoint else None
    if role is None:
        return None
    person = visitor()
    if person is None:
        return require_visitor()
    if not may(role):
        log.warning("access_refused", actor=person.username, role=person.role, needed=role, endpoint=request.endpoint)
        raise Problem(403, _refusal(person.role, role))
    return None


def _refusal(held: str, role: Role) -> str:
    least = f"the role {role}" if role == ROLES[-1] else f"the role {role} or a higher one"
    return f"this needs {least}, and you are signed in as {held}. An administrator can change that on the Team page"


def _rank(role: str) -> int:
    """Higher may more; a role that somebody made up may nothing."""
    return ROLES.index(role) if role in ROLES else -1
