"""`flask tokens`: what back ends may call, and with which token."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click

from app_settings import load_settings
from data.access_token_store import AccessToken
from data.engine import build_engine
from helpers.clock import SystemClock
from jobs.commands.acting import actor
from jobs.commands.reporting import reported
from services.access_tokens import LONGEST_DAYS, AccessTokens, state
from services.callers import SCOPES

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for another program.")


@click.group("tokens")
def command() -> None:
    """List, add and revoke the access tokens of back ends."""


@command.command("add")
@click.argument("name")
@click.option("--scope", "scopes", type=click.Choice(SCOPES), multiple=True, required=True, help="May be repeated.")
@click.option("--days", type=click.IntRange(1, LONGEST_DAYS), help="How long it counts; without, until it is revoked.")
@_json
@reported
def add(name: str, scopes: tuple[str, ...], days: int | None, as_json: bool) -> None:
    """Make a token called NAME. It is shown this once."""
    made = _tokens().add(name, scopes, days, actor())
    if as_json:
        click.echo(json.dumps({**asdict(made), "expires_at": _spelled(made.expires_at)}))
        return
    until = _spelled(made.expires_at) or "it is revoked"
    click.echo(f"Added {made.name} for {', '.join(made.scopes)}; it counts until {until}.", err=True)
    click.echo("The token, shown this once:", err=True)
    click.echo(made.text)


@command.command("list")
@_json
@reported
def list_all(as_json: bool) -> None:
    """Show every token, revoked ones too, by its first characters."""
    now, listed = SystemClock().now(), _tokens().listing()
    if as_json:
        click.echo(json.dumps([_shown(token, now) for token in listed]))
        return
    for token in listed:
        used = _spelled(token.last_used_at) or "never"
        click.echo(f"{token.name:<24} {token.hint}…  {state(token, now):<8} {','.join(token.scopes)}  last used {used}")


@command.command("revoke")
@click.argument("name")
@_json
@reported
def revoke(name: str, as_json: bool) -> None:
    """Have the token NAME count for nothing any more, in every process within seconds."""
    _tokens().revoke(name, actor())
    click.echo(json.dumps({"name": name, "revoked": True}) if as_json else f"Revoked {name}.")


def _tokens() -> AccessTokens:
    return AccessTokens(build_engine(load_settings().database_address()), SystemClock())


def _shown(token: AccessToken, now: datetime) -> dict[str, Any]:
    """All but the hash; times in ISO 8601."""
    found = {name: value for name, value in asdict(token).items() if name != "token_hash"}
    spelled = {name: _spelled(value) if isinstance(value, datetime) else value for name, value in found.items()}
    return {**spelled, "state": state(token, now)}


def _spelled(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
