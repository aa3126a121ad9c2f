"""Whether an answer takes a client across the line of high risk, and what is told of it."""

from datetime import datetime
from typing import Any

from data.notifications import WEBHOOK, Notification
from data.risk_store import Change, Sighting
from helpers.canonical import digest
from services.config.model import LiveConfig

ENTERED, LEFT = "client.risk.entered", "client.risk.left"


def side(was_high: bool | None, prediction: float, config: LiveConfig) -> bool:
    """Whether the client counts as high risk now.

    From the cutoff on it does; one that did before goes on until it falls below the cutoff minus `risk_hysteresis`.
    """
    line = config.proba_cutoff - config.risk_hysteresis if was_high else config.proba_cutoff
    return prediction >= line


def crossing(seen: Sighting, high: bool, config: LiveConfig) -> Change | None:
    """The crossing that this answer shows, if any; a client that is seen for the first time comes from below."""
    if high == bool(seen.was_high):
        return None
    return Change(
        change_id=digest({"prediction_id": seen.prediction_id, "high": high}),
        client_id=seen.client_id,
        high=high,
        at=seen.answered_at,
        prediction_id=seen.prediction_id,
        prediction=seen.prediction,
        money_at_risk=seen.money_at_risk,
        cutoff=config.proba_cutoff,
    )


def webhook(change: Change, now: datetime) -> Notification:
    """The message about a crossing; the same crossing always has the same id."""
    return Notification(change.change_id, change.client_id, [], _payload(change), now, channel=WEBHOOK)


def _payload(change: Change) -> dict[str, Any]:
    at = change.at.isoformat().replace("+00:00", "Z")
    names = ("client_id", "prediction", "cutoff", "money_at_risk", "prediction_id")
    data = {name: getattr(change, name) for name in names}
    return {"type": ENTERED if change.high else LEFT, "timestamp": at, "data": {**data, "answered_at": at}}
