"""Tests of what is promised have a quick form, part of the whole check, and with HOLDFAST_LONG=1 a long one; a part
of 1 asks for so much of it."""

import os

LONG = float(os.environ.get("HOLDFAST_LONG", "0"))


def cases(quick: int, long: int) -> int:
    """How many cases a test tries."""
    return max(quick, round(LONG * long))
