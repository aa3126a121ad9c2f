"""The commands of `flask NAME`, each in a module of its own that is imported when it is asked for:
the web process must not pay for what training needs."""

from importlib import import_module

import click
from flask.cli import AppGroup

NAMES = (
    "audit",
    "bench",
    "config",
    "experiments",
    "faults",
    "init",
    "migrate",
    "outcomes",
    "readout",
    "replay",
    "schedule",
    "score",
    "tokens",
    "train",
    "up",
    "users",
    "webhooks",
    "worker",
)


class Commands(AppGroup):
    """Offers `jobs.commands.NAME.command` as NAME."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *NAMES})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in NAMES:
            return super().get_command(ctx, cmd_name)
        command: click.Command = import_module(f"jobs.commands.{cmd_name}").command
        return command
