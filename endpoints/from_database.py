"""What programs read from the database: while it hangs, few of a process's threads wait for it."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from data.dropped import despite_drops
from endpoints.errors import RETRY_AFTER_SECONDS
from endpoints.gate import Gate
from endpoints.problems import Problem

T = TypeVar("T")
BUSY = "others are being read from the database, so this was not: try again, with fewer calls at a time"
GATE = Gate(BUSY, seconds=2.0)  # a readout may take a second; eight callers at once, all of them well, get their turns


def from_database(read: Callable[[], T], away: str) -> T:
    """What `read` gives. Raises Problem 503, with `away` when the database does not answer."""
    try:
        with GATE.passed():
            return despite_drops(read)
    except SQLAlchemyError as error:
        raise Problem(503, away, headers={"Retry-After": RETRY_AFTER_SECONDS}) from error
