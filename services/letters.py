"""What the mails say: about a client's prediction, a day's crossings, an experiment's guardrail, a change's watch."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from data.mail_message import Message
from data.mailer import Mailer
from data.notifications import Notification
from data.prediction_log import LedgerRow

TEMPLATES = Path(__file__).parents[1] / "templates" / "mail"
PREDICTION, DIGEST, GUARDRAIL, WATCH = "prediction", "digest", "guardrail", "watch"
MOST_REASONS = 5
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Who writes, and the address of the service for links; without one, no link is given."""

    sender: str
    public_url: str = ""


@dataclass(frozen=True, slots=True)
class Letters:
    """Sends messages as mail."""

    mailer: Mailer
    letterhead: Letterhead

    def rest(self) -> float:
        """A mail server is always worth a try: each message has a pause of its own."""
        return 0.0

    def send(self, notification: Notification) -> None:
        """Writes and mails it. Raises Refused or Unavailable."""
        self.mailer.send(write(notification, self.letterhead))


def facts(row: LedgerRow) -> dict[str, Any]:
    """What the mail about a ledger row will need, as JSON."""
    names = ("prediction", "high_risk", "ltv", "money_at_risk", "arm", "model", "model_version", "request_id")
    reasons = row.output.get("reasons") or []
    return {
        **{name: getattr(row, name) for name in names},
        "answered_at": row.answered_at.isoformat(),
        "reasons": reasons[:MOST_REASONS],
    }


def write(notification: Notification, letterhead: Letterhead) -> Message:
    """The message: always the same one for the same notification, its Message-ID included."""
    kind = notification.message.get("kind", PREDICTION)
    content = {
        **notification.message,
        "client_id": notification.client_id,
        "message_id": notification.message_id,
        "due_at": notification.created_at,
        "address": letterhead.public_url.rstrip("/"),
    }
    return Message(
        message_id=f"<{notification.message_id}@{letterhead.sender.rpartition('@')[2]}>",
        sender=letterhead.sender,
        recipients=tuple(notification.recipients),
        subject=_one_line(_SUBJECTS[kind](content)),
        text=_environment.get_template(f"{kind}.txt").render(content),
        html=_environment.get_template(f"{kind}.html").render(content),
        date=notification.created_at,
    )


def _prediction_subject(content: Mapping[str, Any]) -> str:
    risk = "High risk" if content["high_risk"] else "Risk"
    return f"{risk} of leaving: {content['client_id']} ({_percent(content['prediction'])})"


def _digest_subject(content: Mapping[str, Any]) -> str:
    return f"High risk on {content['day']}: {content['entered']:,} entered, {content['left']:,} left"


def _guardrail_subject(content: Mapping[str, Any]) -> str:
    """Without an experiment it was a shadow."""
    place = f"in {content['experiment']}" if content["experiment"] else "as a shadow"
    return f"Challenger paused: {content['challenger']} {place}"


def _watch_subject(content: Mapping[str, Any]) -> str:
    """Where nothing could be taken back, that comes first."""
    done = "taken back" if content["taken_back"] else "does harm, and could not be taken back"
    return f"Config change {content['change']} {done}: {', '.join(content['keys'])}"


def _percent(probability: float) -> str:
    return f"{100 * probability:.0f} %"


def _money(amount: float) -> str:
    return f"{amount:,.2f}"


def _count(number: int) -> str:
    return f"{number:,}"


def _one_line(value: object) -> str:
    """As it is, except that nothing in it can begin a line of its own."""
    return _CONTROL.sub(" ", str(value))


def _minute(instant: str | datetime) -> str:
    at = instant if isinstance(instant, datetime) else datetime.fromisoformat(instant)
    return f"{at:%Y-%m-%d at %H:%M} UTC"


def _in_path(text: str) -> str:
    return quote(text, safe="")


_SUBJECTS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    PREDICTION: _prediction_subject,
    DIGEST: _digest_subject,
    GUARDRAIL: _guardrail_subject,
    WATCH: _watch_subject,
}
_environment = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=select_autoescape(("html",)),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters.update(
    percent=_percent, money=_money, count=_count, one_line=_one_line, minute=_minute, in_path=_in_path
)
