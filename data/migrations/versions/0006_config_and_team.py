"""The way of a config change, access tokens, second factors, and files of customers to be scored.

MySQL cannot take back half of a migration: what a start that was killed here left behind is left as it is, and the
rest is made.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from data.columns import Document, Key, Prose, Serial, UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4"}
COUNTED: dict[str, Any] = {**OPTIONS, "sqlite_autoincrement": True}
NEW_TABLES = ("access_tokens", "config_changes", "scoring_jobs", "scoring_chunks")


def upgrade() -> None:
    there = set(sa.inspect(op.get_bind()).get_table_names())
    _second_factor()
    if "access_tokens" not in there:
        _access_tokens()
    if "config_changes" not in there:
        _config_changes()
    if "scoring_jobs" not in there:
        _scoring_jobs()
    if "scoring_chunks" not in there:
        _scoring_chunks()
    _index("ix_config_changes_state_watched_until", "config_changes", ["state", "watched_until"])
    _index("ix_scoring_jobs_state_created_at", "scoring_jobs", ["state", "created_at"])
    _index("ix_scoring_jobs_author_created_at", "scoring_jobs", ["author", "created_at"])
    _index("ix_scoring_jobs_created_at", "scoring_jobs", ["created_at"])


def downgrade() -> None:
    for name in reversed(NEW_TABLES):
        op.drop_table(name)
    with op.batch_alter_table("app_credentials") as batch:
        for column in second_factor():
            batch.drop_column(column.name)


def second_factor() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("totp_secret", Key(255)),
        sa.Column("totp_confirmed_at", UtcDateTime),
        sa.Column("totp_last_step", sa.BigInteger),
        sa.Column("recovery_hashes", Document),
    )


def _second_factor() -> None:
    there = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("app_credentials")}
    with op.batch_alter_table("app_credentials") as batch:
        for column in second_factor():
            if column.name not in there:
                batch.add_column(column)


def _access_tokens() -> None:
    op.create_table(
        "access_tokens",
        sa.Column("id", Serial, primary_key=True),
        sa.Column("name", Key(100), nullable=False),
        sa.Column("token_hash", Key(64), nullable=False),
        sa.Column("hint", Key(20), nullable=False),
        sa.Column("scopes", Document, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("created_by", Key(100), nullable=False),
        sa.Column("expires_at", UtcDateTime),
        sa.Column("revoked_at", UtcDateTime),
        sa.Column("last_used_at", UtcDateTime),
        sa.UniqueConstraint("token_hash", name="uq_access_tokens_token_hash"),
        **COUNTED,
    )


def _config_changes() -> None:
    op.create_table(
        "config_changes",
        sa.Column("id", Serial, primary_key=True),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("author", Key(100), nullable=False),
        sa.Column("reason", Prose, nullable=False),
        sa.Column("changes", Document, nullable=False),
        sa.Column("base_revision", sa.BigInteger, nullable=False),
        sa.Column("reverts_to", sa.BigInteger),
        sa.Column("state", Key(20), nullable=False),
        sa.Column("rehearsal", Document),
        sa.Column("staging", Document),
        sa.Column("approved_by", Key(100)),
        sa.Column("approved_at", UtcDateTime),
        sa.Column("promoted_by", Key(100)),
        sa.Column("promoted_at", UtcDateTime),
        sa.Column("revision", sa.BigInteger),
        sa.Column("watched_until", UtcDateTime),
        sa.Column("ended_at", UtcDateTime),
        sa.Column("outcome", Prose),
        **COUNTED,
    )


def _scoring_jobs() -> None:
    op.create_table(
        "scoring_jobs",
        sa.Column("job_id", Key(36), primary_key=True),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("author", Key(100), nullable=False),
        sa.Column("file_name", Key(200), nullable=False),
        sa.Column("state", Key(20), nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("done", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("refused", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("unused", Document, nullable=False),
        sa.Column("error", Prose),
        sa.Column("ended_at", UtcDateTime),
        **OPTIONS,
    )


def _scoring_chunks() -> None:
    job = sa.ForeignKey("scoring_jobs.job_id", ondelete="CASCADE", name="fk_scoring_chunks_job_id_scoring_jobs")
    op.create_table(
        "scoring_chunks",
        sa.Column("job_id", Key(36), job, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("claimed_until", UtcDateTime),
        sa.Column("done_at", UtcDateTime),
        sa.Column("customers", Document, nullable=False),
        sa.Column("answers", Document),
        **OPTIONS,
    )


def _index(name: str, table: str, columns: list[str]) -> None:
    if name not in {index["name"] for index in sa.inspect(op.get_bind()).get_indexes(table)}:
        op.create_index(name, table, columns)
