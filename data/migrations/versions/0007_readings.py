"""Readings of experiments that are kept for pages.

MySQL cannot take back half of a migration: the table is left alone where a start that was killed here made it.
"""

import sqlalchemy as sa
from alembic import op

from data.columns import Document, Key, UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if not sa.inspect(op.get_bind()).has_table("readings"):
        op.create_table(
            "readings",
            sa.Column("subject", Key(120), primary_key=True),
            sa.Column("basis", Key(64), nullable=False),
            sa.Column("read_at", UtcDateTime, nullable=False),
            sa.Column("content", Document, nullable=False),
            mysql_engine="InnoDB",
            mysql_charset="utf8mb4",
        )


def downgrade() -> None:
    op.drop_table("readings")
