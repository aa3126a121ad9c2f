"""How this process takes memory from the system, and gives it back."""

import ctypes

_ARENA_MAX = -8  # M_ARENA_MAX of glibc's malloc.h


def share_one_heap() -> None:
    """Has all threads of this process allocate from one heap, from now on; where the C library has no such choice,
    nothing happens.

    glibc otherwise gives every few threads a heap of its own, none of which lends another what it has free. A large
    task that is done by one thread now and by another then so leaves its most in one heap after the other, and the
    process grows for hours without holding any more. Python's threads take turns anyway.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_ARENA_MAX, 1)
