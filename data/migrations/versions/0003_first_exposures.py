"""Exposures of the answers that are in the ledger already.

In portions, each committed by itself where the database allows: a ledger may be large. What was written before a start
that was killed, or by a newer process meanwhile, is compared like everything else, so this may be repeated.
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from data.columns import Document, Finite, Key, UtcDateTime
from data.dialect import chunks, insert_or_hold

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

PORTION = 2_000

Place = tuple[str, str]
known = sa.MetaData()
model_logs = sa.Table(
    "model_logs",
    known,
    sa.Column("prediction_id", Key(36), primary_key=True),
    sa.Column("client_id", Key(190)),
    sa.Column("answered_at", UtcDateTime()),
    sa.Column("arm", Key(100)),
    sa.Column("model", Key(100)),
    sa.Column("model_version", Key(100)),
    sa.Column("experiment", Key(100)),
    sa.Column("prediction", Finite()),
    sa.Column("ltv", Finite()),
    sa.Column("silent_scores", Document),
)
exposures = sa.Table(
    "exposures",
    known,
    sa.Column("experiment", Key(120), primary_key=True),
    sa.Column("client_id", Key(190), primary_key=True),
    sa.Column("first_at", UtcDateTime()),
    sa.Column("prediction_id", Key(36)),
    sa.Column("arm", Key(100)),
    sa.Column("model", Key(210)),
    sa.Column("score", Finite()),
    sa.Column("ltv", Finite()),
)
exposure_scores = sa.Table(
    "exposure_scores",
    known,
    sa.Column("experiment", Key(120), primary_key=True),
    sa.Column("model", Key(210), primary_key=True),
    sa.Column("client_id", Key(190), primary_key=True),
    sa.Column("first_at", UtcDateTime()),
    sa.Column("prediction_id", Key(36)),
    sa.Column("score", Finite()),
)


def upgrade() -> None:
    last: str | None = ""
    while last is not None:
        with portion(op.get_bind()) as connection:
            last = backfill(connection, last)


def downgrade() -> None:
    """The rows go with their tables."""


def portion(bind: sa.Connection) -> AbstractContextManager[sa.Connection]:
    """On SQLite all migrations are one transaction, which holds the only lock there is."""
    return nullcontext(bind) if bind.dialect.name == "sqlite" else bind.engine.begin()


def backfill(connection: sa.Connection, last: str) -> str | None:
    """Does the answers whose ids follow `last`, and gives the last id of these, None at the end."""
    wanted = sa.select(model_logs).where(model_logs.c.prediction_id > last)
    rows = connection.execute(wanted.order_by(model_logs.c.prediction_id).limit(PORTION)).all()
    first: dict[Place, Any] = {}
    for row in sorted(rows, key=age, reverse=True):
        first.update(dict.fromkeys(places(row), row))
    if first:
        keep(connection, first)
    return rows[-1].prediction_id if rows else None


def keep(connection: sa.Connection, given: dict[Place, Any]) -> None:
    insert_or_hold(connection, exposures, [exposure(place, row) for place, row in given.items()])
    held = ages(connection, given)
    later = [place for place in given if age(given[place]) < held[place]]
    for place in later:
        mine = [sa.and_(t.c.experiment == place[0], t.c.client_id == place[1]) for t in (exposures, exposure_scores)]
        models = said_at(connection, held[place][1])
        connection.execute(exposure_scores.delete().where(mine[1], exposure_scores.c.model.in_(models)))
        connection.execute(exposures.update().where(mine[0]).values(exposure(place, given[place])))
    won = {place: row for place, row in given.items() if age(row) <= held[place]}
    insert_or_hold(connection, exposure_scores, [each for place, row in won.items() for each in scores(place, row)])


def ages(connection: sa.Connection, wanted: Iterable[Place]) -> dict[Place, tuple[datetime, str]]:
    """One experiment at a time: MariaDB takes quadratic time to plan a search for pairs."""
    clients: dict[str, list[str]] = {}
    for experiment, client_id in wanted:
        clients.setdefault(experiment, []).append(client_id)
    return {
        (experiment, row.client_id): (row.first_at, row.prediction_id)
        for experiment, some in clients.items()
        for part in chunks(some)
        for row in connection.execute(
            sa.select(exposures).where(exposures.c.experiment == experiment, exposures.c.client_id.in_(part))
        )
    }


def said_at(connection: sa.Connection, prediction_id: str) -> list[str]:
    said = sa.select(model_logs.c.silent_scores).where(model_logs.c.prediction_id == prediction_id)
    return list(connection.scalar(said) or ())


def age(row: Any) -> tuple[datetime, str]:
    return row.answered_at, row.prediction_id


def places(row: Any) -> list[Place]:
    month = f"holdout/{row.answered_at.astimezone(UTC):%Y-%m}"
    return [(name, row.client_id) for name in (month, row.experiment) if name is not None]


def exposure(place: Place, row: Any) -> dict[str, Any]:
    monthly, held_out = place[0].startswith("holdout/"), row.arm == "holdout"
    model = f"{row.model}@{row.model_version}"
    return {
        "experiment": place[0],
        "client_id": place[1],
        "first_at": row.answered_at,
        "prediction_id": row.prediction_id,
        "arm": "treated" if monthly and not held_out else row.arm,
        "model": model,
        "score": row.silent_scores.get(model) if held_out else row.prediction,
        "ltv": row.ltv,
    }


def scores(place: Place, row: Any) -> Iterator[dict[str, Any]]:
    for model, score in row.silent_scores.items():
        if score is not None and model != f"{row.model}@{row.model_version}":
            key = {"experiment": place[0], "model": model, "client_id": place[1]}
            yield {**key, "first_at": row.answered_at, "prediction_id": row.prediction_id, "score": score}
