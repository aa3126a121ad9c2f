"""Actions are found by the prediction that they name, when that reaches the ledger after them.

MySQL cannot take back half of a migration: the index is left alone where a start that was killed here made it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INDEX = "ix_actions_prediction_id"


def upgrade() -> None:
    if INDEX not in {index["name"] for index in sa.inspect(op.get_bind()).get_indexes("actions")}:
        op.create_index(INDEX, "actions", ["prediction_id"])


def downgrade() -> None:
    op.drop_index(INDEX, "actions")
