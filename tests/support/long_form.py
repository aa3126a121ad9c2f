"""Tests of what is promised have a quick form, part of the whole check, and with HOLDFAST_LONG=1 a long one.

With a part of 1, tests that draw for many minutes draw only that part; the others have their whole long form.
"""

import os

LONG = float(os.environ.get("HOLDFAST_LONG", "0"))


def cases(quick: int, long: int) -> int:
    """How many cases a test tries."""
    return long if LONG else quick


def drawn_cases(quick: int, long: int) -> int:
    """How many cases a test tries that draws for many minutes."""
    return round(LONG * long) if LONG else quick
