"""How the database goes about the main statements."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import Connection, Engine

from benchmarks.scale_rows import ARMS
from data import call_list_store, prediction_log, readout_counts, readout_tallies
from data.readout_store import Question
from tests.support.plans import plan

MATURITY_DAYS = 30
Asked = Callable[[Connection], object]


def plans(engine: Engine, experiment: str) -> dict[str, list[str]]:
    """The lines of EXPLAIN, by statement. Raises SystemExit when one of them reads the whole ledger."""
    with engine.connect() as connection:
        asked = _asked(connection, experiment)
        found = {name: plan(connection, partial(each, connection)) for name, each in asked.items()}
    whole = [name for name, lines in found.items() if "'model_logs', 'ALL'" in lines]
    if whole:
        raise SystemExit(f"Error: {', '.join(whole)} reads the whole ledger")
    return {name: lines.splitlines() for name, lines in found.items()}


def _asked(connection: Connection, experiment: str) -> dict[str, Asked]:
    now = datetime.now(UTC)
    question = Question(experiment, now, MATURITY_DAYS, tuple(readout_counts.served(connection, experiment)))
    silent = readout_counts.silent_models(connection, experiment)
    month_ago = now - timedelta(days=MATURITY_DAYS)
    return {
        "a month: clients": lambda connection: readout_tallies.parts(connection, question),
        "readout: clients and scores": lambda connection: readout_tallies.tallies(connection, question, silent),
        "readout: parts": lambda connection: readout_counts.served(connection, experiment),
        "readout: silent models": lambda connection: readout_counts.silent_models(connection, experiment),
        "readout: rows of the ledger": lambda connection: readout_counts.answers(connection, experiment, ARMS),
        "readout: holdout contacted": lambda connection: readout_counts.contacted(
            connection, experiment, MATURITY_DAYS
        ),
        "call list": lambda connection: next(call_list_store.callable_rows(connection, month_ago), None),
        "client page": lambda connection: prediction_log.latest(connection, "S1000007", 50),
    }
