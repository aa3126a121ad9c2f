"""`flask bench`: the measurements in `benchmarks/`, each against something in the same run."""

import subprocess  # nosec B404
import sys

import click

from jobs.commands.reporting import reported

SCENARIOS = ("speed", "looks", "loop", "scale", "pages", "cache")


@click.command("bench")
@click.argument("scenario", type=click.Choice(SCENARIOS), default="speed")
@reported
def command(scenario: str) -> None:
    """Measure a SCENARIO; its figures are written beside it."""
    # In a process of its own: it starts servers, and imports what only a benchmark needs.
    ended = subprocess.run([sys.executable, "-m", f"benchmarks.{scenario}"], check=False)  # noqa: S603 # nosec B603
    sys.exit(ended.returncode)
