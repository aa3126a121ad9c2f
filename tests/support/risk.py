"""Clients that are answered, looked at, and found to have crossed the line of high risk."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import redis
from sqlalchemy import Engine, select

from data import prediction_log
from data.notifications import Notification
from data.queue import Queue
from data.risk_store import Change
from data.tables import notifications, risk_changes
from modeling.registry import ModelRegistry
from services.risk_watch import RiskWatch
from tests.support.clock import StandingClock
from tests.support.letters import ledger_row


@dataclass
class Watched:
    """A watch over one database, and what it found there."""

    engine: Engine
    queue: Queue
    redis: redis.Redis
    clock: StandingClock
    webhooks: bool = True
    registry: ModelRegistry = field(default_factory=lambda: ModelRegistry(Path("no-models")))

    def __post_init__(self) -> None:
        self.watch = self.another()

    def another(self) -> RiskWatch:
        """A watch as another process has it."""
        return RiskWatch(self.engine, self.registry, self.queue, self.clock, webhooks=self.webhooks)

    def answer(self, client_id: str, prediction: float | None, at: datetime | None = None, **given: Any) -> str:
        row = ledger_row(client_id=client_id, prediction=prediction, answered_at=at or self.clock.now(), **given)
        with self.engine.begin() as connection:
            prediction_log.append_many(connection, [row])
        return row.prediction_id

    def look(self) -> int:
        return self.watch.look()

    def changes(self) -> list[tuple[str, bool]]:
        """Who crossed in which direction, in the order of time."""
        return [(change.client_id, change.high) for change in self.whole_changes()]

    def whole_changes(self) -> list[Change]:
        wanted = select(risk_changes).order_by(risk_changes.c.at, risk_changes.c.client_id)
        with self.engine.connect() as connection:
            return [Change(**row) for row in connection.execute(wanted).mappings()]

    def messages(self) -> list[Notification]:
        wanted = select(notifications).order_by(notifications.c.created_at, notifications.c.client_id)
        with self.engine.connect() as connection:
            return [Notification(**row) for row in connection.execute(wanted).mappings()]
