"""Answers, outcomes and actions in any order, more than once and late, leave what the clean order leaves."""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from data.ledger_row import COLUMNS, LedgerRow
from data.queue import Queue
from data.tables import actions, client_latest, exposure_scores, exposures, model_logs, outcomes
from services.actions import Deed
from services.actions import record as record_actions
from services.config.model import LiveConfig
from services.ledger import LedgerSink
from services.outcomes import Report
from services.outcomes import record as record_outcomes
from services.readout.reading import ExperimentFacts, read_facts
from tests.support.clock import StandingClock
from tests.support.deployment import TOKEN
from tests.support.letters import ledger_row
from tests.support.models import Trained
from tests.support.stack import application

BEGIN = datetime(2024, 1, 20, tzinfo=UTC)
READ_AT = StandingClock(BEGIN + timedelta(days=75))
TABLES = (model_logs, client_latest, exposures, exposure_scores, outcomes, actions)
ARMS = ("champion", "challenger", "holdout")
NOBODY = "nobody"
Event = LedgerRow | dict[str, Any]
Tell = Callable[[Sequence[Event]], None]


def spooled(row: LedgerRow) -> bytes:
    columns = {name: getattr(row, name) for name in COLUMNS}
    return orjson.dumps({**columns, "answered_at": row.answered_at.isoformat()})


def answer(number: int, client_id: str, at: datetime, rng: random.Random) -> LedgerRow:
    """An answer in an arm of its own: a client's later answers may well be in another."""
    arm = rng.choice(ARMS)
    silent = {model: rng.random() for model in rng.sample(["additive@1", "heuristic@1", "third@1"], 2)}
    shown = {} if arm == "holdout" else {"prediction": rng.random()}
    return ledger_row(
        prediction_id=f"00000000-0000-7000-8000-{number:012d}",
        client_id=client_id,
        answered_at=at,
        arm=arm,
        experiment=rng.choice(["autumn", "autumn", "winter", None]),
        model=rng.choice(["additive", "heuristic"]),
        ltv=rng.choice([None, 100.0, 250.0]),
        silent_scores=silent,
        **{"prediction": None, "high_risk": None, "money_at_risk": None, **shown},
    )


def order(event: Event) -> tuple[int, Any]:
    """The clean order: answers, then what became of them, then what was done, each by its time."""
    if isinstance(event, LedgerRow):
        return 0, (event.answered_at, event.prediction_id)
    return (1, event["observed_at"]) if "churned" in event else (2, event["at"])


@dataclass(frozen=True)
class Told:
    """Events by kind: all of a batch that came together."""

    rows: list[bytes]
    outcomes: list[dict[str, Any]]
    actions: list[dict[str, Any]]

    @classmethod
    def sorted(cls, events: Iterable[Event]) -> "Told":
        found = cls([], [], [])
        for event in events:
            if isinstance(event, LedgerRow):
                found.rows.append(spooled(event))
            else:
                (found.outcomes if "churned" in event else found.actions).append(event)
        return found


def through_services(engine: Engine) -> Tell:
    sink = LedgerSink(engine, Queue("redis://127.0.0.1:1/0"))
    context = {"now": READ_AT.now()}

    def tell(events: Sequence[Event]) -> None:
        told = Told.sorted(events)
        reports = [Report.model_validate(each, context=context) for each in told.outcomes]
        record_outcomes(engine, READ_AT, reports, "test")
        record_actions(engine, READ_AT, [Deed.model_validate(each, context=context) for each in told.actions])
        if told.rows:
            sink.deliver(told.rows)

    return tell


def through_http(client: FlaskClient, engine: Engine) -> Tell:
    sink = LedgerSink(engine, Queue("redis://127.0.0.1:1/0"))

    def tell(events: Sequence[Event]) -> None:
        told = Told.sorted(events)
        if told.rows:
            sink.deliver(told.rows)
        for path, rows in (("/outcomes", told.outcomes), ("/actions", told.actions)):
            if rows:
                answered = client.post(path, json=rows[0] if len(rows) == 1 else rows)
                contradicted = len(rows) == 1 and rows[0].get("client_id") == NOBODY
                assert answered.status_code == 200 or (contradicted and answered.status_code == 422)

    return tell


def wipe(engine: Engine) -> None:
    with engine.begin() as connection:
        for table in TABLES:
            connection.execute(table.delete())


def left_behind(engine: Engine) -> dict[str, Any]:
    """Every table, and the readouts."""
    found: dict[str, Any] = {name: readout(engine, name) for name in ("autumn", "winter", "holdout/2024-01")}
    with engine.connect() as connection:
        for table in TABLES:
            rows = connection.execute(select(table).order_by(*table.primary_key)).mappings()
            found[table.name] = [{k: v for k, v in row.items() if k != "recorded_at"} for row in rows]
    return found


def readout(engine: Engine, name: str) -> dict[str, Any]:
    facts = ExperimentFacts(name, {"champion": 0.5, "challenger": 0.5}, started_at=BEGIN)
    return read_facts(engine, READ_AT, LiveConfig(maturity_days=30), facts).as_dict()


def in_batches(events: Sequence[Event], sizes: Iterator[int]) -> Iterator[Sequence[Event]]:
    start = 0
    while start < len(events):
        size = next(sizes)
        yield events[start : start + size]
        start += size


def ten_thousand(rng: random.Random) -> list[Event]:
    """5,000 answers to 1,500 clients, 3,500 reports on some, of which many correct another, and 1,500 actions."""
    rows = [
        answer(number, f"c{rng.randrange(1_500)}", BEGIN + timedelta(hours=rng.randrange(50 * 24)), rng)
        for number in range(5_000)
    ]
    reports = [report(rng.choice(rows), rng) for _ in range(3_500)]
    deeds = [deed(rng.choice(rows), rng) for _ in range(1_500)]
    return [*rows, *reports, *deeds]


def deed(row: LedgerRow, rng: random.Random) -> dict[str, Any]:
    """Some name the answer that was the reason, a few of these that of another client."""
    named: dict[str, Any] = rng.choice([{}, {"prediction_id": row.prediction_id}])
    client_id = rng.choice([row.client_id, row.client_id, NOBODY]) if named else row.client_id
    at = spelled(BEGIN + timedelta(hours=rng.randrange(60 * 24)))
    facts = {"kind": rng.choice(["call", "discount"]), "at": at, "by": rng.choice(["Mia", "Ben"])}
    return {"client_id": client_id, **facts, **named}


def report(row: LedgerRow, rng: random.Random) -> dict[str, Any]:
    """Mostly on days, so that many fall on one instant and contradict one another; a few name a wrong client."""
    named: dict[str, Any] = rng.choice(
        [
            {"client_id": row.client_id},
            {"prediction_id": row.prediction_id},
            {"prediction_id": row.prediction_id, "client_id": row.client_id},
            {"prediction_id": row.prediction_id, "client_id": rng.choice([row.client_id, NOBODY])},
        ]
    )
    at = row.answered_at.replace(hour=0) + timedelta(days=rng.randrange(-2, 45))
    return {**named, "churned": rng.random() < 0.4, "observed_at": spelled(at)}


def spelled(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


@pytest.fixture
def service(
    tmp_path: Path, trained: Trained, embedded_redis_url: str, database_url: str, engine: Engine
) -> Iterator[FlaskClient]:
    with application(tmp_path, trained, embedded_redis_url, DATABASE_URL=database_url) as app:
        client = app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {TOKEN}"
        yield client


@pytest.mark.slow
def test_ten_thousand_events_shuffled_doubled_and_late_leave_what_the_clean_order_leaves(
    service: FlaskClient, engine: Engine
) -> None:
    rng = random.Random(20)
    events = ten_thousand(rng)
    tell = through_http(service, engine)
    clean = sorted(events, key=order)
    for batch in in_batches(clean, iter(lambda: 500, 0)):
        tell(batch)
    expected = left_behind(engine)
    assert len(expected["model_logs"]) == 5_000
    assert len(expected["outcomes"]) > 2_500
    assert expected["autumn"]["arms"][0]["matured"] > 0
    wipe(engine)
    shuffled = rng.sample([*events, *rng.choices(events, k=3_000)], 13_000)
    for batch in in_batches(shuffled, iter(lambda: rng.choice([1, 7, 100, 400]), 0)):
        tell(batch)
    assert left_behind(engine) == expected


@st.composite
def few_events(draw: st.DrawFn) -> tuple[list[Event], list[Event]]:
    """Few clients, few instants: nearly all of it collides. The second list is the order of arrival."""
    rng = random.Random(draw(st.integers(0, 2**32)))
    number = draw(st.integers(1, 5))
    rows = [
        answer(each, rng.choice("ab"), BEGIN + timedelta(days=15 * rng.randrange(2)), rng) for each in range(number)
    ]
    reports = [report(rng.choice(rows), rng) for _ in range(draw(st.integers(1, 6)))]
    deeds = [deed(rng.choice(rows), rng) for _ in range(2)]
    events: list[Event] = [*rows, *reports, *deeds]
    repeated = draw(st.lists(st.sampled_from(events), max_size=4))
    return events, draw(st.permutations([*events, *repeated]))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=few_events(), sizes=st.lists(st.integers(1, 4), min_size=1))
def test_any_order_any_repeats_and_any_batches_leave_the_same(
    engine: Engine, told: tuple[list[Event], list[Event]], sizes: list[int]
) -> None:
    events, arrivals = told
    tell = through_services(engine)
    wipe(engine)
    for event in sorted(events, key=order):
        tell([event])
    expected = left_behind(engine)
    wipe(engine)
    for batch in in_batches(arrivals, iter(lambda: sizes[0], 0)):
        tell(batch)
    assert left_behind(engine) == expected
