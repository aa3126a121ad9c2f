"""By which arms and models an experiment's clients were served is read from the ends of an index.

MySQL cannot take back half of a migration: the index is left alone where a start that was killed here made it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

INDEX = "ix_exposures_served"


def upgrade() -> None:
    if INDEX not in {index["name"] for index in sa.inspect(op.get_bind()).get_indexes("exposures")}:
        op.create_index(INDEX, "exposures", ["experiment", "arm", "model", "first_at"])


def downgrade() -> None:
    op.drop_index(INDEX, "exposures")
