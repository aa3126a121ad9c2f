"""How a command fails: one clear line on standard error, and exit code 1."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import click
from sqlalchemy.exc import DBAPIError

from helpers.errors import UserError

P = ParamSpec("P")
R = TypeVar("R")


def reported(command: Callable[P, R]) -> Callable[P, R]:
    """Turns what the person can mend into one line; anything else keeps its traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except UserError as error:
            raise click.ClickException(str(error)) from error
        except DBAPIError as error:
            message = f"the database refused: {error.orig}; check DATABASE_URL"
            raise click.ClickException(message) from error

    return run
