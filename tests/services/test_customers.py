"""Lifetime values: one query for many askers, the last known value while the store is away, and no long wait."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, event, make_url

from data import feature_store
from data.engine import build_engine
from data.feature_store import Customer
from data.feature_store import LifetimeValue as Stored
from data.schema import upgrade
from helpers.metrics import Metrics
from services.customers import CustomerService, LifetimeValue
from tests.support.proxy import Proxy

TTL = 300.0


class MovingClock:
    def __init__(self) -> None:
        self.at = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def pass_by(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


def store(engine: Engine, **values: float) -> None:
    rows = [Stored(name, value, "test", datetime(2026, 1, 1, tzinfo=UTC)) for name, value in values.items()]
    with engine.begin() as connection:
        feature_store.replace_ltvs(connection, rows)


def queries(engine: Engine) -> list[str]:
    """The statements that read, from now on; each is held up a little, so that askers can meet."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith("SELECT"):
            seen.append(statement)
            time.sleep(0.02)

    event.listen(engine, "before_cursor_execute", note)
    return seen


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of what is answered in the end, on a machine of any speed."""
    monkeypatch.setattr("services.customers.PATIENCE_SECONDS", 10.0)


@pytest.fixture
def service(engine: Engine, clock: MovingClock, patience: None) -> CustomerService:
    store(engine, a=10.5, b=20.0)
    return CustomerService(engine, clock, lambda: TTL, Metrics())


def test_known_and_unknown_clients(service: CustomerService) -> None:
    assert service.lifetime_values(["a", "b", "nobody", "a"]) == {
        "a": LifetimeValue(10.5),
        "b": LifetimeValue(20.0),
        "nobody": LifetimeValue(None),
    }


def test_a_value_is_read_once_within_its_time(service: CustomerService, engine: Engine, clock: MovingClock) -> None:
    service.lifetime_values(["a"])
    store(engine, a=99.0)
    seen = queries(engine)
    clock.pass_by(TTL - 1)
    assert service.lifetime_values(["a"])["a"].amount == 10.5
    assert seen == []
    clock.pass_by(2)
    assert service.lifetime_values(["a"])["a"] == LifetimeValue(99.0)
    assert len(seen) == 1


def test_many_askers_of_one_client_make_one_query(service: CustomerService, engine: Engine) -> None:
    seen = queries(engine)
    barrier, answers = threading.Barrier(8), []

    def ask() -> None:
        barrier.wait()
        answers.append(service.lifetime_values(["a"])["a"])

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [LifetimeValue(10.5)] * 8
    assert len(seen) == 1


@pytest.fixture
def away(fresh_mariadb_url: str, clock: MovingClock) -> Iterator[tuple[Proxy, CustomerService]]:
    with Proxy("127.0.0.1", make_url(fresh_mariadb_url).port or 3306) as proxy:
        address = make_url(fresh_mariadb_url).set(port=proxy.port)
        engine = build_engine(address.render_as_string(hide_password=False), read_timeout=1)
        upgrade(engine)
        store(engine, a=10.5)
        yield proxy, CustomerService(engine, clock, lambda: TTL, Metrics())
        proxy.become("pass")
        engine.dispose()


@pytest.mark.parametrize("mode", ["refuse", "hang"])
def test_a_store_that_is_away_gives_the_last_value_and_is_not_waited_for(
    away: tuple[Proxy, CustomerService], clock: MovingClock, mode: str
) -> None:
    proxy, service = away
    assert service.lifetime_values(["a"])["a"] == LifetimeValue(10.5)
    clock.pass_by(TTL + 1)
    proxy.become(mode)  # type: ignore[arg-type]
    waited = []
    for n in range(30):
        started = time.monotonic()
        found = service.lifetime_values(["a", f"new-{n}"])
        waited.append(time.monotonic() - started)
        assert found == {"a": LifetimeValue(10.5, stale=True), f"new-{n}": LifetimeValue(None, stale=True)}
    assert sum(waited) < 1
    assert not service.answers

    proxy.become("pass")
    deadline = time.monotonic() + 20
    while service.lifetime_values(["a"])["a"].stale:
        assert time.monotonic() < deadline, "never recovered"
        time.sleep(0.1)
    assert service.answers


def test_warming_reads_ahead(service: CustomerService, engine: Engine) -> None:
    service.warm()
    seen = queries(engine)
    assert service.lifetime_values(["a", "b"]) == {"a": LifetimeValue(10.5), "b": LifetimeValue(20.0)}
    assert seen == []


def test_a_client_who_came_after_the_reading_is_known(service: CustomerService, engine: Engine) -> None:
    service.warm()
    store(engine, a=10.5, b=20.0, c=30.0)
    assert service.lifetime_values(["a", "c"]) == {"a": LifetimeValue(10.5), "c": LifetimeValue(30.0)}


def test_a_table_that_is_looked_after_never_makes_an_answer_wait(
    service: CustomerService, engine: Engine, clock: MovingClock
) -> None:
    service.warm()
    store(engine, a=99.0)
    clock.pass_by(TTL / 2 - 1)
    service.look_after()
    assert service.lifetime_values(["a"])["a"] == LifetimeValue(10.5), "it is young enough"
    clock.pass_by(2)
    service.look_after()
    clock.pass_by(TTL - 1)
    seen = queries(engine)
    assert service.lifetime_values(["a"])["a"] == LifetimeValue(99.0)
    assert seen == []


def test_of_a_table_too_large_to_remember_some_values_are(
    service: CustomerService, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.customers.REMEMBERED", 1)
    with engine.begin() as connection:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        feature_store.replace_customers(connection, [Customer("a", {}, churned=None, imported_at=at)])
    service.warm()
    seen = queries(engine)
    assert service.lifetime_values(["a"]) == {"a": LifetimeValue(10.5)}
    assert seen == []
    assert service.lifetime_values(["b"]) == {"b": LifetimeValue(20.0)}
    assert len(seen) == 1


@pytest.mark.parametrize("mode", ["refuse", "hang"])
def test_a_remembered_table_outlives_the_store(
    away: tuple[Proxy, CustomerService], clock: MovingClock, mode: str
) -> None:
    proxy, service = away
    service.warm()
    proxy.become(mode)  # type: ignore[arg-type]
    service.look_after()
    assert not service.answers
    assert service.lifetime_values(["a"])["a"] == LifetimeValue(10.5)
    clock.pass_by(TTL + 1)
    assert service.lifetime_values(["a"])["a"] == LifetimeValue(10.5, stale=True)
    proxy.become("pass")
    service.look_after()
    assert service.answers
    assert service.lifetime_values(["a"])["a"] == LifetimeValue(10.5)


def test_without_the_store_the_newest_of_what_is_remembered_is_told(
    away: tuple[Proxy, CustomerService], clock: MovingClock
) -> None:
    proxy, service = away
    service.look_up(["late"])
    clock.pass_by(TTL)
    store(service._engine, a=10.5, late=7.0)
    service.look_after()
    clock.pass_by(TTL + 1)
    proxy.become("refuse")
    assert service.lifetime_values(["late"]) == {"late": LifetimeValue(7.0, stale=True)}


def test_who_asks_before_a_query_begins_shares_it(service: CustomerService, engine: Engine) -> None:
    seen = queries(engine)
    barrier = threading.Barrier(20)

    def ask(number: int) -> None:
        barrier.wait()
        service.lifetime_values([f"client-{number}"])

    threads = [threading.Thread(target=ask, args=[number]) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) < 10
