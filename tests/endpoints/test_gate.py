"""Few threads at a time wait for one thing; the others are told to come again instead of waiting as well."""

from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Barrier, Event

import pytest
from flask import Flask
from flask.testing import FlaskClient

from endpoints import events, from_database, session_cookie
from endpoints.gate import Gate
from endpoints.problems import Problem
from services.accounts import AccountService
from tests.endpoints.test_bad_input import check_problem
from tests.support.deployment import TOKEN
from tests.support.visitor import Visitor

TOLD = {
    "/outcomes": {"client_id": "anna", "churned": True, "observed_at": "2024-03-01"},
    "/actions": {"client_id": "anna", "kind": "call", "at": "2024-03-01", "by": "Mia"},
}


class Held:
    """Threads that stay inside a gate until they are let go."""

    def __init__(self, gate: Gate, pool: ThreadPoolExecutor, number: int) -> None:
        self._all_in, self._go = Barrier(number + 1), Event()
        self.done: list[Future[None]] = [pool.submit(self._stay, gate) for _ in range(number)]
        self._all_in.wait(10)

    def _stay(self, gate: Gate) -> None:
        with gate.passed():
            self._all_in.wait(10)
            self._go.wait(10)

    def let_go(self) -> None:
        self._go.set()
        for each in self.done:
            each.result(10)


def enter(gate: Gate) -> None:
    with gate.passed():
        pass


def test_so_many_are_inside_and_who_waited_too_long_is_told_when_to_come_again() -> None:
    gate = Gate("busy", inside=2, seconds=0.01)
    with ThreadPoolExecutor(2) as pool:
        held = Held(gate, pool, 2)
        with pytest.raises(Problem) as caught:
            enter(gate)
        held.let_go()
    assert (caught.value.status, caught.value.detail, caught.value.headers) == (503, "busy", {"Retry-After": "5"})
    enter(gate)


def test_any_number_waits_for_those_who_have_just_come_in() -> None:
    gate = Gate("busy", inside=1, seconds=60)
    with ThreadPoolExecutor(6) as pool:
        held = Held(gate, pool, 1)
        waiting = [pool.submit(enter, gate) for _ in range(5)]
        assert wait(waiting, 0.2).done == set()
        held.let_go()
        for each in waiting:
            each.result(10)


def test_nobody_waits_for_those_who_have_been_inside_for_long() -> None:
    gate = Gate("busy", inside=1, seconds=60)
    with ThreadPoolExecutor(1) as pool:
        held = Held(gate, pool, 1)
        gate._entered = dict.fromkeys(gate._entered, float("-inf"))
        with pytest.raises(Problem):
            enter(gate)
        held.let_go()


def test_who_fails_inside_leaves_the_gate_open() -> None:
    gate = Gate("busy", inside=1, seconds=0.01)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), gate.passed():
            raise ZeroDivisionError
    enter(gate)


@pytest.mark.parametrize("path", TOLD)
def test_what_is_told_while_others_hang_is_503_and_the_rest_goes_on(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    gate = Gate(events.BUSY, seconds=0.01)
    monkeypatch.setattr(events, "GATE", gate)
    with ThreadPoolExecutor(2) as pool:
        held = Held(gate, pool, 2)
        answers = [client.post(path, json=body) for body in (TOLD[path], [TOLD[path]])]
        assert client.get("/health").status_code == 200
        check_problem(client.post(path, json={}), 422)
        held.let_go()
    for answer in answers:
        check_problem(answer, 503)
        assert answer.headers["Retry-After"] == "5"
    assert client.post(path, json=TOLD[path]).status_code == 200


READ = ("/v1/config", "/v1/config/history", "/v1/call-list", "/v1/experiments", "/v1/experiments/x/readout")
HEADERS = {"Authorization": f"Bearer {TOKEN}"}


def test_reads_are_503_while_others_hang_and_the_rest_goes_on(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    client, gate = app.test_client(), Gate(from_database.BUSY, seconds=0.01)
    monkeypatch.setattr(from_database, "GATE", gate)
    with ThreadPoolExecutor(2) as pool:
        held = Held(gate, pool, 2)
        answers = [client.get(path, headers=HEADERS) for path in READ]
        assert client.get("/health").status_code == 200
        held.let_go()
    for answer in answers:
        check_problem(answer, 503)
        assert answer.headers["Retry-After"] == "5"
    assert [client.get(path, headers=HEADERS).status_code for path in READ] == [200, 200, 200, 200, 404]


def test_eight_callers_at_once_are_all_answered(app: Flask) -> None:
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(app.test_client().get, path, headers=HEADERS) for path in 8 * READ[:4]]
    assert {each.result().status_code for each in asked} == {200}


def test_pages_are_503_while_others_wait_for_the_session_store_and_the_rest_goes_on(
    app: Flask, accounts: AccountService, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = Visitor(app)
    visitor.sign_in()
    monkeypatch.setattr(session_cookie, "GATE", Gate(session_cookie.AWAY, inside=2, seconds=0.01))
    with ThreadPoolExecutor(2) as pool:
        held = Held(session_cookie.GATE, pool, 2)
        refused = visitor.get("/account")
        assert visitor.get("/health").status_code == 200
        held.let_go()
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert visitor.get("/account").status_code == 200
