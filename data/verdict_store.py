"""What people concluded of experiments: one verdict each, the last one given."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select

from data.tables import experiment_verdicts


@dataclass(frozen=True, slots=True)
class Verdict:
    """`winner` is an arm, None where there was none."""

    experiment: str
    winner: str | None
    note: str
    decided_by: str
    decided_at: datetime


def put(connection: Connection, verdict: Verdict) -> None:
    """Writes the verdict, in place of an earlier one."""
    connection.execute(delete(_TABLE).where(_TABLE.c.experiment == verdict.experiment))
    connection.execute(_TABLE.insert().values(asdict(verdict)))


def all_by_experiment(connection: Connection) -> dict[str, Verdict]:
    rows = connection.execute(select(_TABLE)).mappings()
    return {row["experiment"]: Verdict(**row) for row in rows}


_TABLE = experiment_verdicts
