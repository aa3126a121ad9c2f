"""How this process takes memory from the system, and gives it back."""

import ctypes

GIVE_BACK_SECONDS = 5
_ARENA_MAX = -8  # M_ARENA_MAX of glibc's malloc.h


def share_one_heap() -> None:
    """Has all threads of this process allocate from one heap, from now on.

    glibc otherwise gives every few threads a heap of its own, none of which lends another what it has free. A large
    task that is done by one thread now and by another then so leaves its most in one heap after the other, and the
    process grows for hours without holding any more. Python's threads take turns anyway.
    """
    _ask("mallopt", _ARENA_MAX, 1)


def give_back() -> None:
    """Returns to the system what is free in the heap; to be called each `GIVE_BACK_SECONDS`. Takes some milliseconds.

    By itself glibc returns only what is free behind all that is in use: what a backlog needed after an outage, with
    anything that lasts behind it, is kept for good.
    """
    _ask("malloc_trim", 0)


def _ask(function: str, *numbers: int) -> None:
    """Other C libraries lack the functions, and the need for them."""
    asked = getattr(ctypes.CDLL(None), function, None)
    if asked is not None:
        asked(*numbers)
