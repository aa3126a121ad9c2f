"""Passwords are guessed in vain at a service of several processes, from one address or from many, and its owner gets
in all the while."""

import itertools
from collections.abc import Sequence

import pytest

from helpers.clock import SystemClock
from services.accounts import AccountService
from tests.support.deployment import Deployment
from tests.support.long_form import cases
from tests.support.stack import Deploy
from tests.support.visitor import PASSWORD
from tests.support.web_visitor import WebVisitor

pytestmark = [pytest.mark.slow, pytest.mark.promise("P19")]
CAP = 10
GUESSES = cases(quick=60, long=1_000)
ONE = ["203.0.113.1"]
MANY = [f"203.0.113.{n}" for n in range(cases(quick=30, long=200))]


@pytest.fixture
def deployment(deploy: Deploy, fresh_mariadb_url: str, redis_url: str, redis_client: object) -> Deployment:
    """Two processes behind a proxy, with Anna and Root."""
    made = deploy(DATABASE_URL=fresh_mariadb_url, REDIS_URL=redis_url, TRUSTED_PROXIES="1", WEB_CONCURRENCY="2")
    accounts = AccountService(made.engine, SystemClock())
    for name in ("anna", "root"):
        accounts.add(name, "admin", PASSWORD, "a test")
    made.start("web")
    return made


def guess(deployment: Deployment, name: str, addresses: Sequence[str]) -> set[int]:
    """Guesses from each address in turn; gives the status codes."""
    visitors = [WebVisitor(deployment.url, address) for address in addresses]
    for visitor in visitors:
        visitor.get("/login")
    turns = itertools.islice(itertools.cycle(visitors), GUESSES)
    return {turn.post("/login", {"username": name, "password": f"{n}"}).status_code for n, turn in enumerate(turns)}


def test_no_more_than_ten_are_tried_in_a_quarter_of_an_hour(deployment: Deployment) -> None:
    owner = WebVisitor(deployment.url, "198.51.100.7")
    assert owner.sign_in("anna", PASSWORD).status_code == 303
    assert guess(deployment, "anna", MANY) == {401, 429}
    assert guess(deployment, "root", ONE) == {401, 429}
    tried = "select count(*) from audit_log where action = 'sign_in_refused' and subject = '{}'"
    assert 0 < deployment.scalar(tried.format("anna")) <= CAP
    assert 0 < deployment.scalar(tried.format("root")) <= CAP
    owner.get("/account")
    assert owner.post("/logout", {}).status_code == 303
    assert owner.sign_in("anna", PASSWORD).status_code == 303, "known from before"
    assert WebVisitor(deployment.url, "198.51.100.8").sign_in("root", PASSWORD).status_code == 303, "from elsewhere"
