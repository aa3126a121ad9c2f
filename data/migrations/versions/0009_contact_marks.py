"""Marks the clients that were contacted already.

In portions, each committed by itself where the database allows. What was marked before a start that was killed here is
marked again, and comes out the same.
"""

from contextlib import AbstractContextManager, nullcontext

import sqlalchemy as sa
from alembic import op

from data.columns import Key, UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

PORTION = 5_000

known = sa.MetaData()
client_latest = sa.Table(
    "client_latest",
    known,
    sa.Column("client_id", Key(190), primary_key=True),
    sa.Column("contacted_at", UtcDateTime()),
)
actions = sa.Table("actions", known, sa.Column("client_id", Key(190)), sa.Column("at", UtcDateTime()))


def upgrade() -> None:
    last: str | None = ""
    while last is not None:
        with portion(op.get_bind()) as connection:
            last = backfill(connection, last)


def downgrade() -> None:
    """The marks go with their column."""


def portion(bind: sa.Connection) -> AbstractContextManager[sa.Connection]:
    """On SQLite all migrations are one transaction, which holds the only lock there is."""
    return nullcontext(bind) if bind.dialect.name == "sqlite" else bind.engine.begin()


def backfill(connection: sa.Connection, last: str) -> str | None:
    """Does the clients whose ids follow `last`, and gives the last id of these, None at the end."""
    mine = client_latest.c.client_id
    following = sa.select(mine).where(mine > last).order_by(mine).limit(PORTION)
    ids: list[str] = list(connection.scalars(following))
    if not ids:
        return None
    newest = sa.select(sa.func.max(actions.c.at)).where(actions.c.client_id == mine).scalar_subquery()
    connection.execute(client_latest.update().where(mine > last, mine <= ids[-1]).values(contacted_at=newest))
    return ids[-1]
