"""When each client was last contacted, beside its newest answer and in the index that the call list reads.

MySQL cannot take back half of a migration: what a start that was killed here made is left as it is.
"""

import sqlalchemy as sa
from alembic import op

from data.columns import UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLE, INDEX, COLUMN = "client_latest", "ix_client_latest_by_risk", "contacted_at"
BEFORE = ["money_at_risk", "prediction", "client_id", "prediction_id"]


def upgrade() -> None:
    if COLUMN not in {column["name"] for column in sa.inspect(op.get_bind()).get_columns(TABLE)}:
        op.add_column(TABLE, sa.Column(COLUMN, UtcDateTime()))
    _index([*BEFORE, COLUMN])


def downgrade() -> None:
    _index(BEFORE)
    op.drop_column(TABLE, COLUMN)


def _index(columns: list[str]) -> None:
    there = {index["name"]: index["column_names"] for index in sa.inspect(op.get_bind()).get_indexes(TABLE)}
    if there.get(INDEX) == columns:
        return
    if INDEX in there:
        op.drop_index(INDEX, TABLE)
    op.create_index(INDEX, TABLE, columns)
