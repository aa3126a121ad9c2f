"""What was answered, held against the ledger."""

import time
from dataclasses import asdict, dataclass

from sqlalchemy import Engine, text

from tests.support.open_load import OpenLoad


@dataclass(frozen=True, slots=True)
class Tally:
    """`lost`: answered with 200 and not in the ledger. `unexpected`: there, and never asked for. `doubled`: rows of a
    client beyond its first; each was asked for once."""

    acknowledged: int
    rows: int
    lost: int
    unexpected: int
    doubled: int

    @property
    def clean(self) -> bool:
        return not (self.lost or self.unexpected or self.doubled)

    def told(self) -> str:
        counts = asdict(self)
        return ", ".join(f"{name} {counts[name]:,}" for name in ("acknowledged", "lost", "unexpected", "doubled"))


def tally(engine: Engine, load: OpenLoad) -> Tally:
    """Of a ledger that holds the answers to `load` alone."""
    with engine.connect() as connection:
        found = connection.execute(text("select client_id, prediction_id from model_logs"))
        rows = [(row.client_id, row.prediction_id) for row in found]
    kept, clients = set(rows), {client_id for client_id, _ in rows}
    lost = sum(pair not in kept for pair in load.acknowledged.items())
    unexpected = sum(not load.was_attempted(client_id) for client_id in clients)
    return Tally(len(load.acknowledged), len(rows), lost, unexpected, len(rows) - len(clients))


def drained(engine: Engine, load: OpenLoad, seconds: float) -> tuple[Tally, float]:
    """The tally as soon as nothing is missing, or after so many seconds; and how many it took."""
    begun = time.monotonic()
    while (found := tally(engine, load)).lost and time.monotonic() - begun < seconds:
        time.sleep(1)
    taken = time.monotonic() - begun
    time.sleep(2)  # what would come twice has come by now
    return (tally(engine, load) if not found.lost else found), taken
