"""`flask worker`: the process that sends messages."""

from functools import partial

import click

from jobs.commands.reporting import reported
from jobs.context import beat, wiring
from jobs.worker import work


@click.command("worker")
@reported
def command() -> None:
    """Send the mail and webhooks that are due, until SIGTERM or Ctrl-C. Any number of these may run."""
    wired = wiring()
    work(wired.settings.redis_address(), partial(beat, wired, "worker"))
