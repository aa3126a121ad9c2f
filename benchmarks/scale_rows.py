"""A database as it looks after two months: a million ledger rows and what hangs on them, made by the server itself.

Every draw is a digest of the client's number, so that every run fills the same rows. Two scaffolds, who the clients are
and when they were asked, are dropped at the end.
"""

from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, text

EXPERIMENT = "autumn offers / 2026"
ARMS = {"champion": 0.5, "challenger": 0.3, "additive@1": 0.2}
MODELS = {"champion": "gradient_boosting@1", "challenger": "catboost@1"}
HELD_OUT = 10
CLIENTS, ANSWERS = 200_000, 5
DAYS = 60
CHUNK = 100_000


def fill(engine: Engine, now: datetime, clients: int = CLIENTS) -> None:
    """Fills the empty tables of `engine`, a MariaDB or MySQL, with what happened in the `DAYS` before `now`."""
    since = (now - timedelta(days=DAYS)).replace(tzinfo=None)
    with engine.begin() as connection:
        _number(connection, clients)
        connection.execute(text(_PEOPLE), {"since": since})
        connection.execute(text(_ASKED))
    for first in range(0, clients * ANSWERS, CHUNK):
        with engine.begin() as connection:
            connection.execute(text(_LEDGER), {"first": first, "last": first + CHUNK, "experiment": EXPERIMENT})
    for statement in (_EXPOSURES, _MONTHS, _SILENT, _OUTCOMES, _CORRECTIONS, _ACTIONS, _LATEST):
        with engine.begin() as connection:
            connection.execute(text(statement), {"experiment": EXPERIMENT} if ":experiment" in statement else {})
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE asked, people, numbers"))


def _number(connection: Connection, clients: int) -> None:
    connection.execute(text("CREATE TABLE numbers (n INT PRIMARY KEY)"))
    connection.execute(text("INSERT INTO numbers VALUES (0)"))
    filled = 1
    while filled < clients:
        twice = text("INSERT INTO numbers SELECT n + :filled FROM numbers WHERE n + :filled < :clients")
        connection.execute(twice, {"filled": filled, "clients": clients})
        filled *= 2


def _draw(name: str) -> str:
    """A number in [0, 1) for each client, another for every `name`."""
    return f"(CONV(SUBSTR(MD5(CONCAT(n, '{name}')), 1, 8), 16, 10) / 4294967296)"


def _by_share(place: str) -> str:
    return f"CASE WHEN {place} < 0.5 THEN 'champion' WHEN {place} < 0.8 THEN 'challenger' ELSE 'additive@1' END"


def _of_alias(alias: str) -> str:
    known = " ".join(f"WHEN '{name}' THEN '{reference}'" for name, reference in MODELS.items())
    return f"CASE {alias} {known} ELSE {alias} END"


_PEOPLE = f"""
CREATE TABLE people (n INT PRIMARY KEY) AS
SELECT n, CONCAT('S', 1000000 + n) AS client_id, meets, IF(held, 'holdout', meets) AS arm,
  {_of_alias("meets")} AS model,
  ROUND(0.9 * risk + 0.1 * {_draw("score")}, 9) AS score, ROUND(0.8 * risk + 0.2 * {_draw("silent")}, 9) AS silent,
  IF({_draw("valued")} < 0.02, NULL, ROUND(100 + 1900 * {_draw("value")}, 2)) AS ltv,
  {_draw("left")} < risk * IF(held, 1.2, IF(meets = 'challenger', 0.75, 1)) AS churned,
  {_draw("told")} < 0.5 AS told, {_draw("when")} AS moment,
  TIMESTAMPADD(MICROSECOND, FLOOR({_draw("first")} * 40 * 86400000000), :since) AS first_at
FROM (SELECT n, {_by_share(_draw("arm"))} AS meets, {_draw("holdout")} < {HELD_OUT / 100} AS held,
  0.02 + 0.4 * POW({_draw("risk")}, 3) AS risk FROM numbers) AS drawn
"""
_ASKED = f"""
CREATE TABLE asked (place INT PRIMARY KEY, prediction_id CHAR(36), KEY of_client (n, i)) AS
SELECT ROW_NUMBER() OVER (ORDER BY answered_at, n) - 1 AS place, n, i, answered_at,
  CONCAT(SUBSTR(moment, 1, 8), '-', SUBSTR(moment, 9, 4), '-7', LPAD(HEX(i), 3, '0'), '-8000-', LPAD(HEX(n), 12, '0'))
    AS prediction_id
FROM (SELECT people.n, times.n AS i, first_at + INTERVAL times.n * 4 DAY AS answered_at,
    LPAD(LOWER(HEX(FLOOR(1000 * UNIX_TIMESTAMP(first_at + INTERVAL times.n * 4 DAY)))), 12, '0') AS moment
  FROM people JOIN numbers AS times ON times.n < {ANSWERS}) AS moments
"""
_FIELDS = (
    '{"signup_date": "2025-07-03", "plan": "Standard", "contract": "Yearly", "tenure_months": 3, "monthly_charge": '
    '14.39, "price_increase_percent": 0, "payment_method": "Credit card", "autopay": "Yes", "failed_payments": 0, '
    '"usage_hours_week": 5.6, "usage_trend_percent": -16.0, "days_since_login": 6, "support_calls": 0, "satisfaction": '
    '3, "devices": 2, "region": "North", "channel": "Web", "age": 53, "newsletter": "Yes"}'
)
_REASONS = (
    '[{"feature": "contract", "value": "Yearly", "effect": -0.6065323703030303}, {"feature": "signup_date", "value": '
    '"2025-07-03", "effect": 0.5682413992009615}, {"feature": "support_calls", "value": 0.0, "effect": '
    "-0.28941217046001283}]"
)
_OUTPUT = f"""JSON_OBJECT('prediction_id', prediction_id, 'client_id', client_id, 'prediction',
  IF(arm = 'holdout', NULL, score), 'high_risk', IF(score >= 0.5, 'yes', 'no'), 'ltv', ltv,
  'money_at_risk', ROUND(score * ltv, 2), 'arm', arm, 'model', SUBSTRING_INDEX(model, '@', 1),
  'model_version', SUBSTRING_INDEX(model, '@', -1), 'config_revision', 7,
  'reasons', JSON_EXTRACT('{_REASONS}', '$'), 'warnings', JSON_ARRAY(), 'response_time', 0.001)"""
_LEDGER = f"""
INSERT INTO model_logs (prediction_id, client_id, answered_at, arm, model, model_version, config_revision, experiment,
  prediction, high_risk, cutoff, ltv, money_at_risk, recent_times_id_seen, input, output, silent_scores, response_time)
SELECT prediction_id, client_id, answered_at, arm, SUBSTRING_INDEX(model, '@', 1), SUBSTRING_INDEX(model, '@', -1), 7,
  :experiment, IF(arm = 'holdout', NULL, score), IF(arm = 'holdout', NULL, score >= 0.5), 0.5, ltv,
  IF(arm = 'holdout', NULL, ROUND(score * ltv, 2)), i, '{_FIELDS}', {_OUTPUT},
  IF(arm = 'holdout', JSON_OBJECT('heuristic@1', silent, model, score), JSON_OBJECT('heuristic@1', silent)), 0.001
FROM asked JOIN people USING (n) WHERE place >= :first AND place < :last ORDER BY place
"""
_EXPOSURES = """
INSERT INTO exposures (experiment, client_id, first_at, prediction_id, arm, model, score, ltv)
SELECT :experiment, client_id, answered_at, prediction_id, arm, model, score, ltv
FROM asked JOIN people USING (n) WHERE i = 0 ORDER BY client_id
"""
_MONTHS = """
INSERT INTO exposures (experiment, client_id, first_at, prediction_id, arm, model, score, ltv)
SELECT CONCAT('holdout/', month), client_id, answered_at, prediction_id, IF(arm = 'holdout', arm, 'treated'), model,
  score, ltv
FROM (SELECT n, answered_at, prediction_id, DATE_FORMAT(answered_at, '%Y-%m') AS month,
    ROW_NUMBER() OVER (PARTITION BY n, DATE_FORMAT(answered_at, '%Y-%m') ORDER BY i) AS place FROM asked) AS ranked
  JOIN people USING (n)
WHERE place = 1 ORDER BY month, client_id
"""
_SILENT = """
INSERT INTO exposure_scores (experiment, model, client_id, first_at, prediction_id, score)
SELECT experiment, 'heuristic@1', exposures.client_id, exposures.first_at, prediction_id, silent
FROM exposures JOIN people ON people.n = SUBSTR(exposures.client_id, 2) - 1000000
"""
_OUTCOMES = """
INSERT INTO outcomes (outcome_id, client_id, prediction_id, churned, observed_at, recorded_at, source)
SELECT SHA2(client_id, 256), client_id, NULL, churned, first_at + INTERVAL FLOOR(moment * 20) DAY,
  first_at + INTERVAL FLOOR(moment * 20) DAY, 'benchmark'
FROM people WHERE churned OR told
"""
_CORRECTIONS = """
INSERT INTO outcomes (outcome_id, client_id, prediction_id, churned, observed_at, recorded_at, source)
SELECT SHA2(CONCAT(client_id, 'again'), 256), client_id, NULL, FALSE, first_at + INTERVAL FLOOR(moment * 20) - 1 DAY,
  first_at + INTERVAL 20 DAY, 'benchmark'
FROM people WHERE n % 4 = 0
"""
_ACTIONS = """
INSERT INTO actions (action_id, client_id, kind, at, actor, prediction_id, recorded_at)
SELECT SHA2(client_id, 256), client_id, 'call', first_at + INTERVAL 1 DAY, 'benchmark', NULL, first_at + INTERVAL 1 DAY
FROM people WHERE n % 4 = 1 AND (arm <> 'holdout' OR n % 100 = 1)
"""
_LATEST = f"""
INSERT INTO client_latest (client_id, prediction_id, answered_at, prediction, money_at_risk)
SELECT client_id, prediction_id, answered_at, IF(arm = 'holdout', NULL, score),
  IF(arm = 'holdout', NULL, ROUND(score * ltv, 2))
FROM asked JOIN people USING (n) WHERE i = {ANSWERS - 1} ORDER BY client_id
"""
