"""Mail that is due becomes messages that are due: each has a channel and an id of its own, and need not be about one
client.

MySQL cannot take back half of a migration: each step is left out where it was done already, so a start that was killed
here may be repeated.
"""

import sqlalchemy as sa
from alembic import op

from data.columns import Key, UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

OLD_INDEX, NEW_INDEX = "ix_notifications_sent_at_failed_at_created_at", "ix_notifications_due"
OLD_COLUMNS = ["sent_at", "failed_at", "created_at"]


def upgrade() -> None:
    names, indexes = columns(), found_indexes()
    with op.batch_alter_table("notifications") as batch:
        if "prediction_id" in names:
            batch.alter_column(
                "prediction_id",
                new_column_name="message_id",
                type_=Key(64),
                existing_type=sa.String(36),
                existing_nullable=False,
            )
        batch.alter_column("client_id", nullable=True, existing_type=Key(190))
        if "channel" not in names:
            batch.add_column(sa.Column("channel", Key(20), nullable=False, server_default="mail"))
        if "replayed_at" not in names:
            batch.add_column(sa.Column("replayed_at", UtcDateTime))
        if OLD_INDEX in indexes:
            batch.drop_index(OLD_INDEX)
        if NEW_INDEX not in indexes:
            batch.create_index(NEW_INDEX, ["channel", *OLD_COLUMNS])


def downgrade() -> None:
    """Messages that the old table cannot hold are let go."""
    table = sa.table("notifications", sa.column("channel"), sa.column("client_id"))
    op.execute(table.delete().where(sa.or_(table.c.channel != "mail", table.c.client_id.is_(None))))
    with op.batch_alter_table("notifications") as batch:
        batch.drop_index(NEW_INDEX)
        batch.create_index(OLD_INDEX, OLD_COLUMNS)
        batch.drop_column("replayed_at")
        batch.drop_column("channel")
        batch.alter_column("client_id", nullable=False, existing_type=Key(190))
        batch.alter_column(
            "message_id", new_column_name="prediction_id", type_=Key(36), existing_type=sa.String(64), existing_nullable=False
        )


def columns() -> set[str]:
    return {column["name"] for column in sa.inspect(op.get_bind()).get_columns("notifications")}


def found_indexes() -> set[str | None]:
    return {index["name"] for index in sa.inspect(op.get_bind()).get_indexes("notifications")}
