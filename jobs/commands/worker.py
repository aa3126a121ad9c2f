"""`flask worker`: the process that sends messages and scores files."""

from functools import partial

import click

from jobs.commands.reporting import reported
from jobs.context import beat, wiring
from jobs.worker import work


@click.command("worker")
@reported
def command() -> None:
    """Send mail and webhooks that are due and score uploaded files, until SIGTERM or Ctrl-C. Any number may run."""
    wired = wiring()
    beat(wired, "worker")  # first: as soon as duties have begun, signs of life are given in the role told so far
    wired.ensure_started()  # also ships what a worker that was killed left in its spool
    try:
        work(wired.settings.redis_address(), partial(beat, wired, "worker"))
    finally:
        wired.stop()
