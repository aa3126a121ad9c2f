"""`flask webhooks`: the webhooks that were sent, wait, or were given up."""

import json
from datetime import UTC, datetime
from typing import Any

import click

from app_settings import load_settings
from data.engine import build_engine
from data.notifications import Chosen, Notification
from data.queue import Queue
from helpers.clock import SystemClock
from jobs.commands.reporting import reported
from services import webhooks

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for another program.")


class Instant(click.ParamType[datetime]):
    """A time in ISO 8601; without a zone it is UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a time: write it as 2026-11-22 or 2026-11-22T08:30:00Z.", param, ctx)
        return found if found.tzinfo else found.replace(tzinfo=UTC)


@click.group("webhooks")
def command() -> None:
    """See the webhooks about clients at risk, and send them again."""


@command.command("list")
@click.option("--failed", is_flag=True, help="Only those that were given up.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(min=1), help="How many, newest first.")
@_json
@reported
def list_newest(failed: bool, limit: int, as_json: bool) -> None:
    """Show the newest webhooks: whom they are about, and what became of them."""
    found = webhooks.newest(build_engine(load_settings().database_address()), limit, failed=failed)
    if as_json:
        click.echo(json.dumps([_shown(each) for each in found]))
        return
    for each in found:
        facts = _shown(each)
        words = f"{facts['type']:<20} {facts['state']:<9} attempts {each.attempts:<4} {each.client_id}"
        click.echo(f"{each.message_id}  {facts['created_at'][:19]}  {words}{f': {each.error}' if each.error else ''}")


@command.command("replay")
@click.argument("ids", nargs=-1, metavar="[ID]…")
@click.option("--since", type=Instant(), help="Those made due at this time or later (ISO 8601; UTC without a zone).")
@click.option("--failed", is_flag=True, help="Only those that were given up.")
@_json
@reported
def replay(ids: tuple[str, ...], since: datetime | None, failed: bool, as_json: bool) -> None:
    """Send webhooks again, under the same ids. What is given together narrows the choice."""
    settings = load_settings()
    engine = build_engine(settings.database_address())
    chosen = Chosen(ids, since, failed)
    count = webhooks.replay(engine, Queue(settings.redis_address()), SystemClock(), chosen)
    said = f"{count:,} webhook is due again." if count == 1 else f"{count:,} webhooks are due again."
    click.echo(json.dumps({"due_again": count}) if as_json else said)


def _shown(webhook: Notification) -> dict[str, Any]:
    """Times in ISO 8601; the address and the secret are no part of a message."""
    return {
        "id": webhook.message_id,
        "type": webhook.message["type"],
        "client_id": webhook.client_id,
        "state": "sent" if webhook.sent_at else "given up" if webhook.failed_at else "waiting",
        "attempts": webhook.attempts,
        "created_at": webhook.created_at.isoformat(),
        "sent_at": webhook.sent_at.isoformat() if webhook.sent_at else None,
        "failed_at": webhook.failed_at.isoformat() if webhook.failed_at else None,
        "replayed_at": webhook.replayed_at.isoformat() if webhook.replayed_at else None,
        "error": webhook.error,
        "message": webhook.message,
    }
