"""Experiments in every state, for those who look at the pages."""

from datetime import UTC, datetime, timedelta

from apiflask import APIFlask

from data import verdict_store
from data.verdict_store import Verdict
from tests.support.exposed import Group, configure_at, expose

ADDITIVE, BOOSTING, CATBOOST, RULE = "additive@1", "gradient_boosting@1", "catboost@1", "heuristic@1"
UNDECIDED, WON, BROKEN, EARLY, PAST = (
    "boosting-against-additive",
    "autumn trees",
    "new-pipeline",
    "canary",
    "rule-of-thumb",
)
STATES = (UNDECIDED, WON, BROKEN, EARLY, PAST)
NOTE = "The rule of thumb loses 4 points. Keep the model, and do not try again before the new price list."
HALVES = {"champion": 0.5, "challenger": 0.5}


def fill_trials(app: APIFlask) -> None:
    """One experiment in each of `STATES`, and months of the permanent holdout."""
    wired = app.extensions["holdfast"]
    engine, now = wired.engine, datetime.now(UTC)

    def ago(days: float) -> datetime:
        return now - timedelta(days=days)

    configure_at(engine, ago(400), holdout_percentage="10")
    configure_at(engine, ago(160), experiment=_spelled(PAST, {"champion": 0.5, "heuristic": 0.5}))
    configure_at(engine, ago(100), experiment=_spelled("default", {"champion": 1.0}))
    configure_at(engine, ago(60), experiment=_spelled(UNDECIDED, HALVES), shadow=[CATBOOST])
    thirds = {"champion": 0.5, "challenger": 0.3, CATBOOST: 0.2}
    layers = {
        "trees": {"share": 0.2, "experiment": _spelled(WON, thirds)},
        "pipes": {"share": 0.1, "experiment": _spelled(BROKEN, HALVES)},
        "first": {"share": 0.05, "experiment": _spelled(EARLY, {"champion": 0.9, CATBOOST: 0.1})},
    }
    configure_at(engine, ago(45), layers=layers)
    expose(
        engine, PAST, [Group("champion", ADDITIVE, 1500, 120), Group("heuristic", RULE, 1490, 215)], ago(160), ago(70)
    )
    undecided = [
        Group("champion", ADDITIVE, 2210, 168, 270, CATBOOST),
        Group("challenger", BOOSTING, 2264, 151, 255, CATBOOST),
        Group("holdout", ADDITIVE, 231, 27, 39),
    ]
    expose(engine, UNDECIDED, undecided, ago(60), now)
    won = [
        Group("champion", ADDITIVE, 3110, 393, 1990),
        Group("challenger", BOOSTING, 1864, 130, 1214),
        Group(CATBOOST, CATBOOST, 1230, 161, 806),
        Group("holdout", ADDITIVE, 690, 142, 440),
    ]
    expose(engine, WON, won, ago(45), now)
    broken = [Group("champion", ADDITIVE, 1510, 118, 470), Group("challenger", BOOSTING, 1164, 81, 305)]
    expose(engine, BROKEN, broken, ago(45), now)
    expose(
        engine, EARLY, [Group("champion", ADDITIVE, 120, 4, 190), Group(CATBOOST, CATBOOST, 12, 1, 21)], ago(45), now
    )
    _months(app, now)
    with engine.begin() as connection:
        verdict_store.put(connection, Verdict(PAST, "champion", NOTE, "anna", ago(99)))
    wired.live.reread(None)


def _months(app: APIFlask, now: datetime) -> None:
    engine = app.extensions["holdfast"].engine
    for back, lost in ((6, 108), (5, 92), (4, 121), (3, 99)):
        first = _first_of_month(now, back)
        groups = [Group("holdout", ADDITIVE, 612, lost), Group("treated", ADDITIVE, 5440, 490)]
        expose(engine, f"holdout/{first:%Y-%m}", groups, first, first + timedelta(days=58))
    first = _first_of_month(now, 1)
    groups = [Group("holdout", ADDITIVE, 0, 0, 301), Group("treated", ADDITIVE, 0, 0, 2800)]
    expose(engine, f"holdout/{first:%Y-%m}", groups, first, now)


def _first_of_month(now: datetime, back: int) -> datetime:
    month = now.year * 12 + now.month - 1 - back
    return datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)


def _spelled(name: str, arms: dict[str, float]) -> dict[str, object]:
    return {"name": name, "salt": name, "arms": arms}
