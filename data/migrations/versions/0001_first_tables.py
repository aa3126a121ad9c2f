"""The first tables.

MySQL cannot take back half of a migration. So a start that was killed here may be repeated: what it left behind,
empty tables of exactly these columns, is made anew.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from data.columns import Document, Finite, Key, Prose, Serial, UtcDateTime, utc_now
from data.migrations.leftovers import drop_leftovers

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

first = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def table(name: str, *items: sa.schema.SchemaItem) -> None:
    counts_up = isinstance(items[0], sa.Column) and items[0].name == "id"
    sa.Table(
        name, first, *items, mysql_engine="InnoDB", mysql_charset="utf8mb4", sqlite_autoincrement=counts_up
    )


def given(name: str, kind: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


table(
    "config",
    sa.Column("id", Serial, primary_key=True),
    sa.Column("meta__inserted_at", UtcDateTime, nullable=False, server_default=utc_now()),
    given("config_key", Key(100)),
    given("config_value", Prose()),
    sa.Column("revision", sa.BigInteger),
    sa.Column("author", Key(100)),
    sa.Column("reason", Prose),
    sa.Index(None, "config_key", "id"),
)
table(
    "churn_data",
    sa.Column("client_id", Key(190), primary_key=True),
    given("features", Document),
    sa.Column("churned", sa.Boolean),
    given("imported_at", UtcDateTime()),
)
table(
    "client_ltv",
    sa.Column("client_id", Key(190), primary_key=True),
    given("ltv", Finite()),
    given("method", Key(100)),
    given("computed_at", UtcDateTime()),
)
table(
    "app_credentials",
    sa.Column("id", Serial, primary_key=True),
    given("username", Key(100)),
    given("password_hash", Key(255)),
    given("role", Key(40)),
    given("created_at", UtcDateTime()),
    given("password_changed_at", UtcDateTime()),
    sa.Column("disabled_at", UtcDateTime),
    sa.UniqueConstraint("username"),
)
table(
    "sessions",
    sa.Column("id_hash", Key(64), primary_key=True),
    sa.Column("user_id", Serial, sa.ForeignKey("app_credentials.id", ondelete="CASCADE"), nullable=False),
    given("created_at", UtcDateTime()),
    given("last_seen_at", UtcDateTime()),
    given("expires_at", UtcDateTime()),
    sa.Index(None, "user_id"),
    sa.Index(None, "expires_at"),
)
table(
    "model_logs",
    sa.Column("prediction_id", Key(36), primary_key=True),
    given("client_id", Key(190)),
    given("answered_at", UtcDateTime()),
    given("arm", Key(100)),
    given("model", Key(100)),
    given("model_version", Key(100)),
    given("config_revision", sa.BigInteger()),
    sa.Column("experiment", Key(100)),
    sa.Column("prediction", Finite),
    sa.Column("high_risk", sa.Boolean),
    given("cutoff", Finite()),
    sa.Column("ltv", Finite),
    sa.Column("money_at_risk", Finite),
    sa.Column("recent_times_id_seen", sa.BigInteger),
    given("input", Document),
    given("output", Document),
    given("silent_scores", Document),
    sa.Column("request_id", Key(100)),
    given("response_time", Finite()),
    sa.Index(None, "client_id", "answered_at"),
    sa.Index(None, "answered_at"),
    sa.Index(None, "experiment", "arm"),
)
table(
    "client_latest",
    sa.Column("client_id", Key(190), primary_key=True),
    given("prediction_id", Key(36)),
    given("answered_at", UtcDateTime()),
    sa.Column("prediction", Finite),
    sa.Column("money_at_risk", Finite),
    sa.Index("ix_client_latest_by_risk", "money_at_risk", "prediction", "client_id", "prediction_id"),
)
table(
    "notifications",
    sa.Column("prediction_id", Key(36), primary_key=True),
    given("client_id", Key(190)),
    given("recipients", Document),
    given("message", Document),
    given("created_at", UtcDateTime()),
    sa.Column("claimed_until", UtcDateTime),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("sent_at", UtcDateTime),
    sa.Column("failed_at", UtcDateTime),
    sa.Column("error", Prose),
    sa.Index(None, "sent_at", "failed_at", "created_at"),
)
table(
    "model_metadata",
    sa.Column("id", Serial, primary_key=True),
    given("name", Key(100)),
    given("version", Key(100)),
    given("created_at", UtcDateTime()),
    given("card", Document),
    given("manifest_sha256", Key(64)),
    sa.UniqueConstraint("name", "version"),
)
table(
    "audit_log",
    sa.Column("id", Serial, primary_key=True),
    given("at", UtcDateTime()),
    given("actor", Key(100)),
    given("action", Key(100)),
    given("subject", Key(190)),
    given("details", Document),
    sa.Index(None, "subject", "id"),
)
table("locks", sa.Column("name", Key(100), primary_key=True))


def upgrade() -> None:
    bind = op.get_bind()
    drop_leftovers(bind, first)
    first.create_all(bind, checkfirst=False)


def downgrade() -> None:
    first.drop_all(op.get_bind())
