"""The tables of the service. Every id and every text that is compared is a `Key`: `abc` is not `ABC`."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    UniqueConstraint,
)

from data.columns import Document, Finite, Key, Prose, Serial, UtcDateTime, utc_now

CLIENT_ID_LENGTH = 190
EXPERIMENT_LENGTH = 120
REFERENCE_LENGTH = 210
HOLDOUT_ARM = "holdout"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# InnoDB whatever the server's default; SQLite must not give the id of a deleted row to a new one.
_OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "sqlite_autoincrement": True}
_KEYED: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4"}

# People insert into it by hand: every column but the key and the value fills itself.
config = Table(
    "config",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("meta__inserted_at", UtcDateTime, nullable=False, server_default=utc_now()),
    Column("config_key", Key(100), nullable=False),
    Column("config_value", Prose, nullable=False),
    Column("revision", BigInteger),
    Column("author", Key(100)),
    Column("reason", Prose),
    Index(None, "config_key", "id"),
    **_OPTIONS,
)

churn_data = Table(
    "churn_data",
    metadata,
    Column("client_id", Key(CLIENT_ID_LENGTH), primary_key=True),
    Column("features", Document, nullable=False),
    Column("churned", Boolean),
    Column("imported_at", UtcDateTime, nullable=False),
    **_KEYED,
)

client_ltv = Table(
    "client_ltv",
    metadata,
    Column("client_id", Key(CLIENT_ID_LENGTH), primary_key=True),
    Column("ltv", Finite, nullable=False),
    Column("method", Key(100), nullable=False),
    Column("computed_at", UtcDateTime, nullable=False),
    **_KEYED,
)

app_credentials = Table(
    "app_credentials",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("username", Key(100), nullable=False),
    Column("password_hash", Key(255), nullable=False),
    Column("role", Key(40), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("password_changed_at", UtcDateTime, nullable=False),
    Column("disabled_at", UtcDateTime),
    Column("totp_secret", Key(255)),  # encrypted; see `services.second_factor`
    Column("totp_confirmed_at", UtcDateTime),
    Column("totp_last_step", BigInteger),
    Column("recovery_hashes", Document),
    UniqueConstraint("username"),
    **_OPTIONS,
)

sessions = Table(
    "sessions",
    metadata,
    Column("id_hash", Key(64), primary_key=True),
    Column("user_id", Serial, ForeignKey("app_credentials.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_seen_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index(None, "user_id"),
    Index(None, "expires_at"),
    **_KEYED,
)

# What back ends send with each call; only the SHA-256 of a token is kept, and `hint`, its first characters.
access_tokens = Table(
    "access_tokens",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("name", Key(100), nullable=False),
    Column("token_hash", Key(64), nullable=False),
    Column("hint", Key(20), nullable=False),
    Column("scopes", Document, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", Key(100), nullable=False),
    Column("expires_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    Column("last_used_at", UtcDateTime),
    UniqueConstraint("token_hash"),
    **_OPTIONS,
)

# The way of a change to the configuration, from draft to promoted and watched. `changes` maps keys to their text;
# `revision` is that of the rows which it appended to `config`, `reverts_to` the one that it brings back.
config_changes = Table(
    "config_changes",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("author", Key(100), nullable=False),
    Column("reason", Prose, nullable=False),
    Column("changes", Document, nullable=False),
    Column("base_revision", BigInteger, nullable=False),
    Column("reverts_to", BigInteger),
    Column("state", Key(20), nullable=False),
    Column("rehearsal", Document),
    Column("staging", Document),
    Column("approved_by", Key(100)),
    Column("approved_at", UtcDateTime),
    Column("promoted_by", Key(100)),
    Column("promoted_at", UtcDateTime),
    Column("revision", BigInteger),
    Column("watched_until", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("outcome", Prose),
    Index(None, "state", "watched_until"),
    **_OPTIONS,
)

# The trial that is under way on a staging deployment, and what staging is still to be given back; see
# `data.staging_trial_store`. `place` is the SHA-256 of its address.
staging_trials = Table(
    "staging_trials",
    metadata,
    Column("place", Key(64), primary_key=True),
    Column("holder", Key(36), nullable=False),
    Column("begun_at", UtcDateTime, nullable=False),
    Column("held_until", UtcDateTime, nullable=False),
    Column("owed", Document),
    **_KEYED,
)

# Files of customers to be scored, and their rows in chunks: a chunk that is not done is still to be scored. `unused`
# names the columns that no model reads.
scoring_jobs = Table(
    "scoring_jobs",
    metadata,
    Column("job_id", Key(36), primary_key=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("author", Key(100), nullable=False),
    Column("file_name", Key(200), nullable=False),
    Column("state", Key(20), nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("done", BigInteger, nullable=False, server_default="0"),
    Column("refused", BigInteger, nullable=False, server_default="0"),
    Column("unused", Document, nullable=False),
    Column("error", Prose),
    Column("ended_at", UtcDateTime),
    Index(None, "state", "created_at"),
    Index(None, "author", "created_at"),
    Index(None, "created_at"),
    **_KEYED,
)

scoring_chunks = Table(
    "scoring_chunks",
    metadata,
    Column("job_id", Key(36), ForeignKey("scoring_jobs.job_id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("rows", Integer, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("claimed_until", UtcDateTime),
    Column("done_at", UtcDateTime),
    Column("customers", Document, nullable=False),  # large, so behind what is often looked at: SQLite reads in order
    Column("answers", Document),
    **_KEYED,
)

# The ledger: one row per answered prediction, never changed.
model_logs = Table(
    "model_logs",
    metadata,
    Column("prediction_id", Key(36), primary_key=True),
    Column("client_id", Key(CLIENT_ID_LENGTH), nullable=False),
    Column("answered_at", UtcDateTime, nullable=False),
    Column("arm", Key(100), nullable=False),
    Column("model", Key(100), nullable=False),
    Column("model_version", Key(100), nullable=False),
    Column("config_revision", BigInteger, nullable=False),
    Column("experiment", Key(100)),
    Column("prediction", Finite),
    Column("high_risk", Boolean),
    Column("cutoff", Finite, nullable=False),
    Column("ltv", Finite),
    Column("money_at_risk", Finite),
    Column("recent_times_id_seen", BigInteger),
    Column("input", Document, nullable=False),
    Column("output", Document, nullable=False),
    Column("silent_scores", Document, nullable=False),
    Column("request_id", Key(100)),
    Column("response_time", Finite, nullable=False),
    Index(None, "client_id", "answered_at"),
    Index(None, "answered_at"),
    Index(None, "experiment", "arm"),
    **_KEYED,
)

# Each client's newest ledger row, kept by `prediction_log.append_many`: the call list reads its index from the
# end instead of grouping the whole ledger. A holdout's newest row has neither score nor money here.
client_latest = Table(
    "client_latest",
    metadata,
    Column("client_id", Key(CLIENT_ID_LENGTH), primary_key=True),
    Column("prediction_id", Key(36), nullable=False),
    Column("answered_at", UtcDateTime, nullable=False),
    Column("prediction", Finite),
    Column("money_at_risk", Finite),
    Column("contacted_at", UtcDateTime),  # see `data.contact_marks`
    # with the last two, or MariaDB sorts the table rather than look each one up
    Index("ix_client_latest_by_risk", "money_at_risk", "prediction", "client_id", "prediction_id", "contacted_at"),
    Index(None, "answered_at"),
    **_KEYED,
)

# A client's first answer in an experiment, which decides its arm there. Kept by `prediction_log.append_many`, whatever
# the order in which answers arrive. The permanent holdout has a name of its own for each month: `holdout/2026-11`.
exposures = Table(
    "exposures",
    metadata,
    Column("experiment", Key(EXPERIMENT_LENGTH), primary_key=True),
    Column("client_id", Key(CLIENT_ID_LENGTH), primary_key=True),
    Column("first_at", UtcDateTime, nullable=False),
    Column("prediction_id", Key(36), nullable=False),
    Column("arm", Key(100), nullable=False),
    Column("model", Key(REFERENCE_LENGTH), nullable=False),
    Column("score", Finite),
    Column("ltv", Finite),
    Index("ix_exposures_served", "experiment", "arm", "model", "first_at"),
    **_KEYED,
)

# What models said silently at that first answer: those of `silent_scores`, one row each.
exposure_scores = Table(
    "exposure_scores",
    metadata,
    Column("experiment", Key(EXPERIMENT_LENGTH), primary_key=True),
    Column("model", Key(REFERENCE_LENGTH), primary_key=True),
    Column("client_id", Key(CLIENT_ID_LENGTH), primary_key=True),
    Column("first_at", UtcDateTime, nullable=False),
    Column("prediction_id", Key(36), nullable=False),
    Column("score", Finite, nullable=False),
    **_KEYED,
)

# What became of clients, as it was told: a later or corrected report is a row of its own. `client_id` is unknown while
# the prediction that the report names is still on its way into the ledger.
outcomes = Table(
    "outcomes",
    metadata,
    Column("outcome_id", Key(64), primary_key=True),
    Column("client_id", Key(CLIENT_ID_LENGTH)),
    Column("prediction_id", Key(36)),
    Column("churned", Boolean, nullable=False),
    Column("observed_at", UtcDateTime, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("source", Key(100), nullable=False),
    Index("ix_outcomes_of_client", "client_id", "observed_at", "churned"),
    Index(None, "prediction_id"),
    **_KEYED,
)

# What was done to clients. `actor` is who did it.
actions = Table(
    "actions",
    metadata,
    Column("action_id", Key(64), primary_key=True),
    Column("client_id", Key(CLIENT_ID_LENGTH), nullable=False),
    Column("kind", Key(40), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Key(100), nullable=False),
    Column("prediction_id", Key(36)),
    Column("recorded_at", UtcDateTime, nullable=False),
    Index(None, "client_id", "at"),
    Index("ix_actions_of_day", "at", "prediction_id", "client_id"),  # covers the count of a day's calls
    Index(None, "prediction_id"),
    **_KEYED,
)

# Which action to suggest to whom: for a reason (`feature`), perhaps only at one of its `value`s; a row with neither is
# for everybody else.
suggestions = Table(
    "suggestions",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("feature", Key(100)),
    Column("value", Key(CLIENT_ID_LENGTH)),
    Column("kind", Key(40), nullable=False),
    Column("advice", Prose, nullable=False),
    **_OPTIONS,
)

# What people concluded of an experiment that has ended; when it ran and how, the config's history says.
experiment_verdicts = Table(
    "experiment_verdicts",
    metadata,
    Column("experiment", Key(EXPERIMENT_LENGTH), primary_key=True),
    Column("winner", Key(100)),
    Column("note", Prose, nullable=False),
    Column("decided_by", Key(100), nullable=False),
    Column("decided_at", UtcDateTime, nullable=False),
    **_KEYED,
)

# The newest reading of each experiment that pages show; see `data.reading_store`.
readings = Table(
    "readings",
    metadata,
    Column("subject", Key(EXPERIMENT_LENGTH), primary_key=True),
    Column("basis", Key(64), nullable=False),
    Column("read_at", UtcDateTime, nullable=False),
    Column("content", Document, nullable=False),
    **_KEYED,
)

# On which side of the line each client was found last, and each crossing of it.
risk_states = Table(
    "risk_states",
    metadata,
    Column("client_id", Key(CLIENT_ID_LENGTH), primary_key=True),
    Column("high", Boolean, nullable=False),
    Column("answered_at", UtcDateTime, nullable=False),
    Column("prediction_id", Key(36), nullable=False),
    **_KEYED,
)

risk_changes = Table(
    "risk_changes",
    metadata,
    Column("change_id", Key(64), primary_key=True),
    Column("client_id", Key(CLIENT_ID_LENGTH), nullable=False),
    Column("high", Boolean, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("prediction_id", Key(36), nullable=False),
    Column("prediction", Finite, nullable=False),
    Column("money_at_risk", Finite),
    Column("cutoff", Finite, nullable=False),
    Index(None, "at"),
    Index(None, "client_id", "at"),
    **_KEYED,
)

# Messages that are due, by mail or webhook, and what became of them.
notifications = Table(
    "notifications",
    metadata,
    Column("message_id", Key(64), primary_key=True),
    Column("channel", Key(20), nullable=False, server_default="mail"),
    Column("client_id", Key(CLIENT_ID_LENGTH)),
    Column("recipients", Document, nullable=False),
    Column("message", Document, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("claimed_until", UtcDateTime),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("sent_at", UtcDateTime),
    Column("failed_at", UtcDateTime),
    Column("error", Prose),
    Column("replayed_at", UtcDateTime),
    Index("ix_notifications_due", "channel", "sent_at", "failed_at", "created_at"),
    **_KEYED,
)

model_metadata = Table(
    "model_metadata",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("name", Key(100), nullable=False),
    Column("version", Key(100), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("card", Document, nullable=False),
    Column("manifest_sha256", Key(64), nullable=False),
    UniqueConstraint("name", "version"),
    **_OPTIONS,
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Key(100), nullable=False),
    Column("action", Key(100), nullable=False),
    Column("subject", Key(CLIENT_ID_LENGTH), nullable=False),
    Column("details", Document, nullable=False),
    Index(None, "subject", "id"),
    **_OPTIONS,
)

# Rows that only exist to be locked; see `dialect.hold`.
locks = Table("locks", metadata, Column("name", Key(100), primary_key=True), **_KEYED)
