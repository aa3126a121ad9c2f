"""`flask schedule`: the process of the periodic duties."""

from functools import partial

import click

from data.turns import Turns
from jobs.commands.reporting import reported
from jobs.context import beat, wiring
from jobs.schedule import duties, keep


@click.command("schedule")
@reported
def command() -> None:
    """Do what is done periodically, until SIGTERM or Ctrl-C. Where several run, each duty is done once."""
    wired = wiring()
    keep(duties(wired), Turns(wired.settings.redis_address()), partial(beat, wired, "schedule"))
