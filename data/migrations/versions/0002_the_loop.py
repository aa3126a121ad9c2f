"""Exposures, outcomes, actions, and what is told of clients who cross the line.

MySQL cannot take back half of a migration: what a start that was killed here left behind, empty tables of exactly these
columns, is made anew.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from data.columns import Finite, Key, Prose, Serial, UtcDateTime
from data.migrations.leftovers import drop_leftovers

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

LATEST_INDEX = "ix_client_latest_answered_at"

added = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def table(name: str, *items: sa.schema.SchemaItem) -> None:
    counts_up = isinstance(items[0], sa.Column) and items[0].name == "id"
    sa.Table(name, added, *items, mysql_engine="InnoDB", mysql_charset="utf8mb4", sqlite_autoincrement=counts_up)


def key(name: str, kind: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True)


def given(name: str, kind: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


table(
    "exposures",
    key("experiment", Key(120)),
    key("client_id", Key(190)),
    given("first_at", UtcDateTime()),
    given("prediction_id", Key(36)),
    given("arm", Key(100)),
    given("model", Key(210)),
    sa.Column("score", Finite),
    sa.Column("ltv", Finite),
)
table(
    "exposure_scores",
    key("experiment", Key(120)),
    key("model", Key(210)),
    key("client_id", Key(190)),
    given("first_at", UtcDateTime()),
    given("prediction_id", Key(36)),
    given("score", Finite()),
)
table(
    "outcomes",
    key("outcome_id", Key(64)),
    sa.Column("client_id", Key(190)),
    sa.Column("prediction_id", Key(36)),
    given("churned", sa.Boolean()),
    given("observed_at", UtcDateTime()),
    given("recorded_at", UtcDateTime()),
    given("source", Key(100)),
    sa.Index("ix_outcomes_of_client", "client_id", "observed_at", "churned"),
    sa.Index(None, "prediction_id"),
)
table(
    "actions",
    key("action_id", Key(64)),
    given("client_id", Key(190)),
    given("kind", Key(40)),
    given("at", UtcDateTime()),
    given("actor", Key(100)),
    sa.Column("prediction_id", Key(36)),
    given("recorded_at", UtcDateTime()),
    sa.Index(None, "client_id", "at"),
    sa.Index("ix_actions_of_day", "at", "prediction_id", "client_id"),
)
table(
    "suggestions",
    key("id", Serial),
    sa.Column("feature", Key(100)),
    sa.Column("value", Key(190)),
    given("kind", Key(40)),
    given("advice", Prose()),
)
table(
    "experiment_verdicts",
    key("experiment", Key(120)),
    sa.Column("winner", Key(100)),
    given("note", Prose()),
    given("decided_by", Key(100)),
    given("decided_at", UtcDateTime()),
)
table(
    "risk_states",
    key("client_id", Key(190)),
    given("high", sa.Boolean()),
    given("answered_at", UtcDateTime()),
    given("prediction_id", Key(36)),
)
table(
    "risk_changes",
    key("change_id", Key(64)),
    given("client_id", Key(190)),
    given("high", sa.Boolean()),
    given("at", UtcDateTime()),
    given("prediction_id", Key(36)),
    given("prediction", Finite()),
    sa.Column("money_at_risk", Finite),
    given("cutoff", Finite()),
    sa.Index(None, "at"),
    sa.Index(None, "client_id", "at"),
)


def upgrade() -> None:
    bind = op.get_bind()
    drop_leftovers(bind, added)
    added.create_all(bind, checkfirst=False)
    if LATEST_INDEX not in {index["name"] for index in sa.inspect(bind).get_indexes("client_latest")}:
        op.create_index(LATEST_INDEX, "client_latest", ["answered_at"])


def downgrade() -> None:
    op.drop_index(LATEST_INDEX, "client_latest")
    added.drop_all(op.get_bind())
