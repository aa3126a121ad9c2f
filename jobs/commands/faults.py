"""`flask faults`: what is promised, tried on real servers that hang, die and refuse."""

import subprocess  # nosec B404
import sys

import click

from jobs.commands.reporting import reported

WORDS = {"ignore_unknown_options": True}


@click.command("faults", add_help_option=False, context_settings=WORDS, options_metavar="")
@click.argument("words", metavar="[soak] [OPTION]… [PROMISE]…", nargs=-1, type=click.UNPROCESSED)
@reported
def command(words: tuple[str, ...]) -> None:
    """Break things under load and see which promises hold; --help tells more, also after `soak`."""
    soak = words[:1] == ("soak",)
    module = ["faults.soak", *words[1:]] if soak else ["faults", *words]
    # In a process of its own: it starts servers, and imports what only tests need.
    ended = subprocess.run([sys.executable, "-m", *module], check=False)  # noqa: S603 # nosec B603
    sys.exit(ended.returncode)
