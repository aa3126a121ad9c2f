"""Trials on staging: one at a time, and what a trial that died left there.

MySQL cannot take back half of a migration: the table is left alone where a start that was killed here made it.
"""

import sqlalchemy as sa
from alembic import op

from data.columns import Document, Key, UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if not sa.inspect(op.get_bind()).has_table("staging_trials"):
        op.create_table(
            "staging_trials",
            sa.Column("place", Key(64), primary_key=True),
            sa.Column("holder", Key(36), nullable=False),
            sa.Column("begun_at", UtcDateTime, nullable=False),
            sa.Column("held_until", UtcDateTime, nullable=False),
            sa.Column("owed", Document),
            mysql_engine="InnoDB",
            mysql_charset="utf8mb4",
        )


def downgrade() -> None:
    op.drop_table("staging_trials")
