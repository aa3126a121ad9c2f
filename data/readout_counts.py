"""Plain counts of an experiment, and of what casts doubt on it."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, exists, func, select

from data.expressions import days_after
from data.readout_store import Served
from data.tables import HOLDOUT_ARM, actions, exposure_scores, exposures, model_logs, outcomes


def names(connection: Connection) -> list[str]:
    """The experiments that any client met, the permanent holdout's months among them."""
    return list(connection.scalars(select(exposures.c.experiment).distinct().order_by(exposures.c.experiment)))


def served(connection: Connection, experiment: str) -> dict[Served, datetime]:
    """The parts that its clients fall into, each with its earliest first answer; none where nobody met it."""
    columns = exposures.c
    keys = (columns.experiment, columns.arm, columns.model)  # the whole start of an index, or MySQL reads all of it
    wanted = select(*keys, func.min(columns.first_at)).where(columns.experiment == experiment)
    rows = connection.execute(wanted.group_by(*keys).order_by(*keys))
    return {Served(arm, model): first_at for _, arm, model, first_at in rows}


def answers(connection: Connection, experiment: str, arms: Iterable[str]) -> dict[str, int]:
    """Rows of the ledger by arm: each arm's part of the index is counted by itself, which takes half as long."""
    named, columns = list(arms), model_logs.c
    counted = [
        select(func.count()).where(columns.experiment == experiment, columns.arm == arm).scalar_subquery()
        for arm in named
    ]
    return dict(zip(named, connection.execute(select(*counted)).one(), strict=True)) if named else {}


def is_small(connection: Connection, experiments: Iterable[str], clients: int, rows: int) -> bool:
    """Whether these experiments have no more clients together, and none of them more rows in the ledger."""
    met = select(exposures.c.client_id).where(exposures.c.experiment.in_(list(experiments))).offset(clients).limit(1)
    logged = [
        select(model_logs.c.arm).where(model_logs.c.experiment == each).offset(rows).limit(1) for each in experiments
    ]
    return all(connection.execute(each).first() is None for each in (met, *logged))


def silent_models(connection: Connection, experiment: str) -> list[str]:
    """The models that scored any of its clients silently."""
    keys = (exposure_scores.c.experiment, exposure_scores.c.model)  # as in `served`
    found = select(*keys).where(exposure_scores.c.experiment == experiment).group_by(*keys).order_by(*keys)
    return [model for _, model in connection.execute(found)]


def contacted(connection: Connection, experiment: str, maturity_days: int) -> int:
    """Clients of the holdout to whom something was done from their first answer until they matured."""
    since, done = exposures.c, actions.c
    within = (done.at >= since.first_at, done.at <= days_after(since.first_at, maturity_days))
    something = exists().where(done.client_id == since.client_id, *within)
    held = select(func.count()).where(since.experiment == experiment, since.arm == HOLDOUT_ARM, something)
    return connection.scalar(held) or 0


def waiting_reports(connection: Connection) -> int:
    """Outcomes of predictions that the ledger does not know, so that nobody can say whose they are."""
    return connection.scalar(select(func.count()).where(outcomes.c.client_id.is_(None))) or 0
