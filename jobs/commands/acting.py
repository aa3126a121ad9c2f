"""Who acts when a command changes something, and how the fleet is told of it."""

import os

import click

from wiring import Wiring


def actor() -> str:
    """For the audit log: the person at the command line."""
    person = os.environ.get("SUDO_USER") or os.environ.get("USER") or "unknown"
    return f"command line: {person}"


def tell_fleet(wired: Wiring) -> bool:
    """Tells running processes of a config change. Where Redis does not answer they find out later, and so it is said,
    on standard error."""
    told = wired.announce()
    if not told:
        period = wired.settings.config_refresh_seconds
        click.echo(f"Redis does not answer: running processes follow within {period} seconds.", err=True)
    return told
