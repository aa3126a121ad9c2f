"""What a mail about a client says."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from data.mail_message import Message
from data.notifications import Notification
from data.prediction_log import LedgerRow

TEMPLATES = Path(__file__).parents[1] / "templates" / "mail"
MOST_REASONS = 5
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Who writes, and the address of the service for links; without one, no link is given."""

    sender: str
    public_url: str = ""


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
    content = {
        **notification.message,
        "client_id": notification.client_id,
        "prediction_id": notification.prediction_id,
        "asked_at": notification.created_at,
        "link": _link(letterhead.public_url, notification.client_id),
    }
    return Message(
        message_id=f"<{notification.prediction_id}@{letterhead.sender.rpartition('@')[2]}>",
        sender=letterhead.sender,
        recipients=tuple(notification.recipients),
        subject=_subject(content),
        text=_environment.get_template("notification.txt").render(content),
        html=_environment.get_template("notification.html").render(content),
        date=notification.created_at,
    )


def _subject(content: Mapping[str, Any]) -> str:
    risk = "High risk" if content["high_risk"] else "Risk"
    return f"{risk} of leaving: {_one_line(content['client_id'])} ({_percent(content['prediction'])})"


def _link(public_url: str, client_id: str) -> str:
    return f"{public_url.rstrip('/')}/model_interface?ids={quote(client_id, safe='')}" if public_url else ""


def _percent(probability: float) -> str:
    return f"{100 * probability:.0f} %"


def _money(amount: float) -> str:
    return f"{amount:,.2f}"


def _one_line(value: object) -> str:
    """As it is, except that nothing in it can begin a line of its own."""
    return _CONTROL.sub(" ", str(value))


_environment = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=select_autoescape(("html",)),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters.update(percent=_percent, money=_money, one_line=_one_line)
