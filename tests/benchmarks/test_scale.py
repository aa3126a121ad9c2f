"""The million rows that are measured are rows as the service itself would have written them."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, func, select

from benchmarks.scale_rows import ANSWERS, EXPERIMENT, fill
from data import exposures as first_answers
from data.engine import build_engine
from data.ledger_row import LedgerRow
from data.schema import upgrade
from data.tables import client_latest, exposure_scores, exposures, model_logs, outcomes
from services.config.model import LiveConfig
from services.readout.reading import ExperimentFacts, read_facts
from tests.support.clock import StandingClock

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CLIENTS = 300


def everything(connection: Connection, table: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]


def test_exposures_are_those_that_the_ledger_would_have_left(fresh_mariadb_url: str) -> None:
    engine = build_engine(fresh_mariadb_url)
    upgrade(engine)
    fill(engine, NOW, CLIENTS)
    with engine.begin() as connection:
        assert connection.scalar(select(func.count()).select_from(model_logs)) == CLIENTS * ANSWERS
        assert connection.scalar(select(func.count()).select_from(client_latest)) == CLIENTS
        assert connection.scalar(select(func.count()).select_from(outcomes))
        made = [everything(connection, table) for table in (exposures, exposure_scores)]
        for table in (exposures, exposure_scores):
            connection.execute(table.delete())
        first_answers.keep(connection, [LedgerRow(**row) for row in connection.execute(select(model_logs)).mappings()])
        assert [everything(connection, table) for table in (exposures, exposure_scores)] == made
    facts = ExperimentFacts(EXPERIMENT, {"champion": 0.5, "challenger": 0.3, "additive@1": 0.2})
    found = read_facts(engine, StandingClock(NOW), LiveConfig(), facts)
    assert sum(arm.exposures or 0 for arm in found.arms) == CLIENTS * ANSWERS
    assert found.mismatch is not None
    assert not found.mismatch.alarm
    engine.dispose()
