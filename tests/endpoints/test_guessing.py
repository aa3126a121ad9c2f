"""Guessing a password: capped for each account over all processes, and the owner still gets in."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from data import audit_log
from services.accounts import AccountService
from tests.support.models import Trained
from tests.support.stack import application
from tests.support.visitor import PASSWORD, Visitor

pytestmark = pytest.mark.promise("P19")
CAP = 10


@pytest.fixture
def another_app(tmp_path: Path, trained: Trained, embedded_redis_url: str) -> Iterator[Flask]:
    """A second process in all but name: it shares nothing with the first but Redis."""
    with application(tmp_path / "another", trained, embedded_redis_url) as made:
        made.extensions["holdfast"].accounts.add("anna", "manager", PASSWORD, "a test")
        yield made


@pytest.fixture
def broken_redis_app(tmp_path: Path, trained: Trained) -> Iterator[Flask]:
    with application(tmp_path / "broken", trained, "redis://127.0.0.1:1/0") as made:
        yield made


@pytest.fixture
def owner(app: Flask, accounts: AccountService) -> Visitor:
    """Anna's own browser, which signed in before."""
    found = Visitor(app, "198.51.100.7")
    found.sign_in()
    found.get("/model_interface")
    found.post("/logout", {})
    return found


def tried(app: Flask) -> int:
    """How many passwords were checked and found wrong: each leaves one line."""
    with app.extensions["holdfast"].engine.connect() as connection:
        entries = audit_log.list_entries(connection, limit=10_000)
    return sum(entry.action == "sign_in_refused" for entry in entries)


def guess(apps: list[Flask], addresses: list[str], guesses: int, name: str = "anna") -> set[int]:
    """Guesses from each address in turn, at each app in turn; gives the status codes."""
    visitors = [Visitor(app, address) for app, address in zip(itertools.cycle(apps), addresses, strict=False)]
    for visitor in visitors:
        visitor.get("/login")
    turns = itertools.islice(itertools.cycle(visitors), guesses)
    return {
        turn.post("/login", {"username": name, "password": f"guess {i}"}).status_code for i, turn in enumerate(turns)
    }


def test_a_thousand_guesses_from_one_address_try_four_passwords(app: Flask, owner: Visitor) -> None:
    assert guess([app], ["203.0.113.1"], 1_000) == {401, 429}
    assert tried(app) == 4
    assert owner.sign_in().status_code == 303
    assert Visitor(app, "198.51.100.8").sign_in().status_code == 303, "from a new browser elsewhere, too"


def test_a_thousand_guesses_from_200_addresses_stay_under_the_cap(app: Flask, owner: Visitor) -> None:
    assert guess([app], [f"203.0.113.{i}" for i in range(200)], 1_000) == {401, 429}
    assert tried(app) <= CAP
    assert owner.sign_in().status_code == 303


def test_the_cap_holds_over_all_processes(app: Flask, another_app: Flask, owner: Visitor) -> None:
    guess([app, another_app], [f"203.0.113.{i}" for i in range(20)], 100)
    assert tried(app) + tried(another_app) <= CAP


def test_the_owners_browser_cannot_guess_on_and_on_either(app: Flask, owner: Visitor) -> None:
    statuses = [owner.sign_in(password=f"guess {i}").status_code for i in range(20)]
    assert statuses.count(401) == 4
    guess([app], [f"203.0.113.{i}" for i in range(20)], 100)
    assert tried(app) <= CAP


def test_slips_before_the_right_password_are_forgiven(app: Flask, owner: Visitor) -> None:
    for _ in range(4):
        for slip in range(3):
            assert owner.sign_in(password=f"slip {slip}").status_code == 401
        assert owner.sign_in().status_code == 303
        owner.get("/model_interface")
        owner.post("/logout", {})


def test_a_name_that_nobody_has_is_limited_alike(app: Flask, accounts: AccountService) -> None:
    known = [Visitor(app, "203.0.113.1").sign_in("anna", "x") for _ in range(6)]
    unknown = [Visitor(app, "203.0.113.2").sign_in("nobody", "x") for _ in range(6)]
    assert [each.status_code for each in known] == [each.status_code for each in unknown]
    for one, other in zip(known, unknown, strict=True):
        assert said(one.text) == said(other.text)


def test_spellings_of_a_name_share_its_limit(app: Flask, accounts: AccountService) -> None:
    for name in ("anna", "ANNA", " Anna ", "ａｎｎａ", "aNNa", "annA"):
        Visitor(app, "203.0.113.1").sign_in(name, "x")
    assert tried(app) == 4


def test_one_customer_of_a_provider_has_one_ipv6_address(app: Flask, accounts: AccountService) -> None:
    guess([app], [f"2001:db8:1:2::{i:x}" for i in range(1, 21)], 40)
    assert tried(app) == 4


def test_one_address_cannot_try_one_password_on_everybody(app: Flask, accounts: AccountService) -> None:
    visitor = Visitor(app, "203.0.113.1")
    statuses = [visitor.sign_in(f"user{i}", "summer").status_code for i in range(50)]
    assert statuses.count(401) == 40
    assert statuses[-1] == 429


def test_a_made_up_proxy_header_changes_nothing(app: Flask, accounts: AccountService) -> None:
    visitor = Visitor(app, "203.0.113.1")
    visitor.get("/login")
    for i in range(12):
        headers = {
            "X-Forwarded-For": f"198.51.100.{i}",
            "X-Real-IP": f"198.51.100.{i}",
            "Forwarded": f"for=198.51.100.{i}",
        }
        visitor.post("/login", {"username": "anna", "password": "x"}, headers)
    assert tried(app) == 4


def test_a_refusal_says_when_to_come_back(app: Flask, accounts: AccountService) -> None:
    visitor = Visitor(app, "203.0.113.1")
    refused = [visitor.sign_in("anna", "x") for _ in range(5)][-1]
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "900"
    assert "Wait 15 minutes" in refused.text


def test_a_sealed_note_for_one_account_opens_no_other(app: Flask, owner: Visitor, accounts: AccountService) -> None:
    accounts.add("root", "admin", PASSWORD, "a test")
    guess([app], [f"203.0.113.{i}" for i in range(20)], 100, name="root")
    before = tried(app)
    assert owner.sign_in("root", "x").status_code == 429
    assert tried(app) == before


def test_without_redis_guesses_are_capped_still(broken_redis_app: Flask) -> None:
    accounts = broken_redis_app.extensions["holdfast"].accounts
    accounts.add("anna", "manager", PASSWORD, "a test")
    assert guess([broken_redis_app], [f"203.0.113.{i}" for i in range(20)], 60) == {401, 429}
    assert 0 < tried(broken_redis_app) <= CAP


def said(page: str) -> str:
    """What the page says, without the form."""
    return page[page.index('id="problem"') : page.index("<form method")]
