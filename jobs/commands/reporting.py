"""How a command fails over its database: one clear line on standard error, and exit code 1."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import DBAPIError

from helpers.errors import UserError

P = ParamSpec("P")
R = TypeVar("R")


def reported(command: Callable[P, R]) -> Callable[P, R]:
    """A UserError is such a line by itself; anything unforeseen keeps its traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except DBAPIError as error:
            raise UserError(f"the database refused: {error.orig}; check DATABASE_URL", "DATABASE_URL") from error

    return run
