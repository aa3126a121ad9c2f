"""Clients to call: scored, contacted, gone, as rows of an application's database."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from apiflask import APIFlask
from redis import Redis
from sqlalchemy import Engine

from data import action_store, outcome_store, prediction_log
from data.action_store import Action
from data.outcome_store import Outcome
from data.prediction_log import LedgerRow
from helpers.ids import new_id
from tests.support.customers import customer_fields
from tests.support.ledger import row
from tests.support.models import Trained
from tests.support.stack import application, configure

HOUR = timedelta(hours=1)


@contextmanager
def calling(var_dir: Path, trained: Trained, redis_url: str, database_url: str) -> Iterator[APIFlask]:
    """An application on any database, with the trained models in service and an empty Redis."""
    with Redis.from_url(redis_url) as redis:
        redis.flushall()
    with application(var_dir, trained, redis_url, DATABASE_URL=database_url) as made:
        configure(made, aliases=trained.aliases)
        yield made


class Calls:
    """What happened to the clients of an application, up to now."""

    def __init__(self, app: APIFlask, trained: Trained) -> None:
        self.wiring = app.extensions["holdfast"]
        self.engine: Engine = self.wiring.engine
        self.trained = trained

    @property
    def now(self) -> datetime:
        found: datetime = self.wiring.clock.now()
        return found

    def score(self, client_id: str, money: float | None, ago: timedelta = HOUR, **changes: Any) -> LedgerRow:
        """An open answer of the additive model, without reasons."""
        fields = customer_fields(self.trained.schema, len(client_id))
        facts = {"model": "additive", "model_version": "1", "input": fields, "output": {}, **changes}
        one = row(client_id, money_at_risk=money, answered_at=self.now - ago, **facts)
        with self.engine.begin() as connection:
            prediction_log.append_many(connection, [one])
        return one

    def hold(self, client_id: str, ago: timedelta = HOUR) -> LedgerRow:
        """An answer of the holdout, whose silent score is 0.8765."""
        shut = {"prediction": None, "high_risk": None, "arm": "holdout", "silent_scores": {"additive@1": 0.8765}}
        return self.score(client_id, None, ago, **shut)

    def act(self, client_id: str, ago: timedelta, kind: str = "call", actor: str = "crm") -> None:
        deed = Action(new_id(), client_id, kind, self.now - ago, actor, None, self.now)
        with self.engine.begin() as connection:
            action_store.add_many(connection, [deed])

    def report(self, client_id: str, churned: bool, ago: timedelta = HOUR) -> None:
        told = Outcome(new_id(), client_id, None, churned, self.now - ago, self.now, "api")
        with self.engine.begin() as connection:
            outcome_store.add_many(connection, [told])

    def actions(self, client_id: str) -> list[Action]:
        with self.engine.connect() as connection:
            return action_store.of_client(connection, client_id, 100)
