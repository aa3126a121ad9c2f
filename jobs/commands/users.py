"""`flask users`: the people who may open the pages."""

import json
import sys
from typing import Any

import click

from app_settings import load_settings
from data.engine import build_engine
from data.users import User
from helpers.clock import SystemClock
from jobs.commands.acting import actor
from jobs.commands.reporting import reported
from services.accounts import ROLES, AccountService

SHOWN = ("id", "username", "role", "created_at", "password_changed_at", "disabled_at")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for another program.")
_stdin = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")


@click.group("users")
def command() -> None:
    """Add, list and change the people who may sign in."""


@command.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), default="manager", show_default=True)
@_stdin
@_json
@reported
def add(name: str, role: str, password_stdin: bool, as_json: bool) -> None:
    """Add NAME. Without a terminal, or with an empty answer, a password is made and shown once."""
    password = _read_password(password_stdin)
    added, chosen = _accounts().add(name, role, password, actor())
    _say(as_json, {"username": added, "role": role}, f"Added {added} as {role}.", None if password else chosen)


@command.command("list")
@_json
@reported
def list_all(as_json: bool) -> None:
    """Show every user, with role and state."""
    everyone = _accounts().everyone()
    if as_json:
        click.echo(json.dumps([_shown(user) for user in everyone]))
        return
    for user in everyone:
        click.echo(f"{user.username:<24} {user.role:<8} {'disabled' if user.disabled_at else 'active'}")


@command.command("disable")
@click.argument("name")
@_json
@reported
def disable(name: str, as_json: bool) -> None:
    """Shut NAME out at once, in every browser."""
    _accounts().disable(name, actor())
    _say(as_json, {"username": name, "disabled": True}, f"Disabled {name}; every session has ended.")


@command.command("enable")
@click.argument("name")
@_json
@reported
def enable(name: str, as_json: bool) -> None:
    """Let NAME in again."""
    _accounts().enable(name, actor())
    _say(as_json, {"username": name, "disabled": False}, f"Enabled {name}.")


@command.command("role")
@click.argument("name")
@click.argument("role", type=click.Choice(ROLES))
@_json
@reported
def set_role(name: str, role: str, as_json: bool) -> None:
    """Give NAME another ROLE; every session ends."""
    _accounts().set_role(name, role, actor())
    _say(as_json, {"username": name, "role": role}, f"{name} is {role} now; every session has ended.")


@command.command("reset-second-factor")
@click.argument("name")
@_json
@reported
def reset_second_factor(name: str, as_json: bool) -> None:
    """Take the second factor of NAME away, who lost it; every session ends."""
    _accounts().reset_second_factor(name, actor())
    text = f"{name} signs in with the password alone now; every session has ended."
    _say(as_json, {"username": name, "second_factor": False}, text)


@command.command("set-password")
@click.argument("name")
@_stdin
@_json
@reported
def set_password(name: str, password_stdin: bool, as_json: bool) -> None:
    """Give NAME another password; every session ends."""
    password = _read_password(password_stdin)
    chosen = _accounts().set_password(name, password, actor())
    text = f"Set the password of {name}; every session has ended."
    _say(as_json, {"username": name}, text, None if password else chosen)


def _accounts() -> AccountService:
    return AccountService(build_engine(load_settings().database_address()), SystemClock())


def _read_password(from_stdin: bool) -> str | None:
    """The password given, or None when one is to be made."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        return None
    text = "Password (empty: one is made)"
    return click.prompt(text, hide_input=True, confirmation_prompt=True, default="", show_default=False) or None


def _say(as_json: bool, facts: dict[str, Any], text: str, made: str | None = None) -> None:
    if as_json:
        click.echo(json.dumps({**facts, "password": made} if made else facts))
        return
    click.echo(text)
    if made:
        click.echo(f"Password, shown this once: {made}")


def _shown(user: User) -> dict[str, Any]:
    """What is no secret; times in ISO 8601."""
    found = {name: getattr(user, name) for name in SHOWN}
    shown = {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in found.items()}
    return {**shown, "second_factor": user.totp_confirmed_at is not None}
