"""Connections that the server, or something on the way to it, has dropped."""

import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

T = TypeVar("T")
MOST_TRIES = 3
SOON_SECONDS = 5.0
"""A server that took longer hangs (no timeout of ours is shorter), and must not be waited for again."""


def despite_drops(do: Callable[[], T], tries: int = MOST_TRIES) -> T:
    """What `do` gives, tried again on a new connection when its own was dropped in the middle: for what harms nobody
    when it is done twice. What was dropped before, the pool notices by itself."""
    began = time.monotonic()
    try:
        return do()
    except DBAPIError as error:
        late = time.monotonic() - began > SOON_SECONDS
        if tries == 1 or late or not error.connection_invalidated:
            raise
    return despite_drops(do, tries - 1)
