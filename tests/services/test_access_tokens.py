"""Making and revoking tokens, and what a process remembers of them while the database answers and while it does not."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import Engine, text

from data import audit_log
from data.engine import build_engine
from data.tables import access_tokens, locks, metadata
from data.tables import audit_log as audit_log_table
from helpers.errors import UserError
from services.access_tokens import AccessTokens, state
from services.callers import Caller, InvalidToken, TokensAway, WrongToken, hash_token
from services.token_memory import LAST_GOOD, NOTED_EVERY, TokenMemory
from tests.support.clock import StandingClock
from tests.support.mailroom import proxied
from tests.support.proxy import Mode, Proxy

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock(START)


@pytest.fixture
def tokens(engine: Engine, clock: StandingClock) -> AccessTokens:
    return AccessTokens(engine, clock)


@pytest.fixture
def memory(engine: Engine, clock: StandingClock) -> TokenMemory:
    return TokenMemory(engine, clock)


def make(tokens: AccessTokens, name: str = "crm", days: int | None = None) -> str:
    return tokens.add(name, ["read", "predict"], days, "ann").text


def find(memory: TokenMemory, token: str) -> Caller:
    return memory.find(hash_token(token))


def reread(memory: TokenMemory) -> None:
    assert memory.reread().wait(10)


def test_a_token_is_kept_as_its_hash_alone(tokens: AccessTokens, engine: Engine) -> None:
    made = tokens.add(" crm ", ["read", "predict", "read"], 30, "ann")
    assert made.text.startswith("hf_")
    assert len(made.text) == 46
    assert made.text not in repr(made)
    (kept,) = tokens.listing()
    assert (kept.name, kept.scopes, kept.expires_at) == ("crm", ["predict", "read"], START + timedelta(days=30))
    assert (kept.token_hash, kept.hint) == (hash_token(made.text), made.text[:9])
    assert (kept.created_by, kept.created_at, kept.last_used_at) == ("ann", START, None)
    with engine.connect() as connection:
        stored = str(connection.execute(text("select * from access_tokens")).all())
        (entry,) = audit_log.list_entries(connection)
    assert made.text not in stored + str(entry)
    assert (entry.actor, entry.action, entry.subject) == ("ann", "token_added", "crm")
    assert entry.details == {"scopes": "predict read", "expires": "2026-03-31T09:00:00+00:00"}


@pytest.mark.parametrize(
    ("name", "scopes", "days", "field"),
    [
        ("", ["read"], None, "name"),
        (" \n", ["read"], None, "name"),
        ("-crm", ["read"], None, "name"),
        ("crm\n2", ["read"], None, "name"),
        ("<b>", ["read"], None, "name"),
        ("x" * 65, ["read"], None, "name"),
        ("crm", [], None, "scopes"),
        ("crm", ["read", "everything"], None, "scopes"),
        ("crm", ["read"], 0, "days"),
        ("crm", ["read"], 3_651, "days"),
    ],
)
def test_what_is_wrong_with_a_token_is_named(
    tokens: AccessTokens, name: str, scopes: list[str], days: int | None, field: str
) -> None:
    with pytest.raises(UserError) as refused:
        tokens.add(name, scopes, days, "ann")
    assert refused.value.field == field
    assert tokens.listing() == []


def test_a_name_is_free_again_once_its_token_is_revoked(tokens: AccessTokens, engine: Engine) -> None:
    first = make(tokens)
    with pytest.raises(UserError, match="already"):
        make(tokens)
    tokens.revoke("crm", "bob")
    with pytest.raises(UserError, match="no token crm"):
        tokens.revoke("crm", "bob")
    assert make(tokens) != first
    assert [state(each, START) for each in tokens.listing()] == ["active", "revoked"]
    with engine.connect() as connection:
        acts = [(entry.actor, entry.action) for entry in audit_log.list_entries(connection)]
    assert acts == [("ann", "token_added"), ("bob", "token_revoked"), ("ann", "token_added")]


def test_of_two_who_choose_one_name_at_once_one_gets_it(tokens: AccessTokens) -> None:
    told: list[str] = []
    start = Barrier(4)

    def choose() -> None:
        start.wait()
        try:
            told.append(make(tokens))
        except UserError as refused:
            told.append(str(refused.field))

    threads = [Thread(target=choose) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(told)[1:] == ["name", "name", "name"]
    assert len(tokens.listing()) == 1


def test_a_token_is_known_as_soon_as_it_is_made(tokens: AccessTokens, memory: TokenMemory) -> None:
    reread(memory)
    made = make(tokens)
    assert find(memory, made) == Caller("crm", frozenset({"predict", "read"}))
    with pytest.raises(WrongToken):
        find(memory, made[:-1])


def test_a_revoked_token_is_wrong_after_the_next_reading(tokens: AccessTokens, memory: TokenMemory) -> None:
    made = make(tokens)
    find(memory, made)
    tokens.revoke("crm", "ann")
    reread(memory)
    with pytest.raises(WrongToken):
        find(memory, made)


def test_an_expired_token_is_invalid_at_once(tokens: AccessTokens, memory: TokenMemory, clock: StandingClock) -> None:
    made = make(tokens, days=1)
    find(memory, made)
    clock.move(timedelta(days=1) - timedelta(seconds=1))
    reread(memory)
    assert find(memory, made)
    clock.move(timedelta(seconds=1))
    with pytest.raises(InvalidToken):
        find(memory, made)
    assert state(tokens.listing()[0], clock.now()) == "expired"


def test_a_use_is_noted_once_a_minute(tokens: AccessTokens, memory: TokenMemory, clock: StandingClock) -> None:
    made = make(tokens)

    def noted() -> datetime | None:
        reread(memory)
        return tokens.listing()[0].last_used_at

    find(memory, made)
    assert noted() == START
    for _ in range(2):
        clock.move(NOTED_EVERY / 2)
        reread(memory)
        find(memory, made)
    assert noted() == START + NOTED_EVERY
    clock.move(NOTED_EVERY / 2)
    find(memory, made)
    assert noted() == START + NOTED_EVERY


def test_two_processes_note_one_use_a_minute(
    tokens: AccessTokens, memory: TokenMemory, engine: Engine, clock: StandingClock
) -> None:
    made, another = make(tokens), TokenMemory(engine, clock)
    for each in (memory, another):
        find(each, made)
    reread(memory)
    clock.move(NOTED_EVERY / 2)
    find(another, made)
    reread(another)
    assert tokens.listing()[0].last_used_at == START


@pytest.fixture
def away(fresh_mariadb_url: str) -> Iterator[tuple[Proxy, Engine]]:
    """A database of its own with what tokens need, behind a proxy."""
    with proxied(fresh_mariadb_url, 3306) as (proxy, through):
        engine = build_engine(through, read_timeout=1.0)
        metadata.create_all(engine, [access_tokens, audit_log_table, locks])
        yield proxy, engine
        engine.dispose()


def tried(memory: TokenMemory, token: str) -> str:
    """How a token fares, in one word."""
    try:
        return find(memory, token).name
    except (WrongToken, InvalidToken, TokensAway) as error:
        return type(error).__name__


@pytest.mark.parametrize("mode", ["hang", "refuse"])
def test_known_tokens_count_for_a_while_without_the_database_and_unknown_ones_are_not_judged(
    mode: Mode, away: tuple[Proxy, Engine], clock: StandingClock
) -> None:
    proxy, engine = away
    tokens, memory, late = AccessTokens(engine, clock), TokenMemory(engine, clock), TokenMemory(engine, clock)
    made = make(tokens)
    assert [tried(memory, made), tried(memory, "hf_no")] == ["crm", "WrongToken"]
    proxy.become(mode)
    assert [tried(memory, made), tried(memory, "hf_no"), tried(late, made)] == ["crm", "TokensAway", "TokensAway"]
    clock.move(LAST_GOOD)
    assert tried(memory, made) == "crm"
    clock.move(timedelta(seconds=1))
    assert tried(memory, made) == "TokensAway"
    proxy.become("pass")
    while tried(memory, made) != "crm":
        memory.reread().wait(10)
    assert tried(memory, "hf_no") == "WrongToken"
