"""Tests of what is promised have a quick form, part of the whole check, and with HOLDFAST_LONG=1 a long one."""

import os

LONG = os.environ.get("HOLDFAST_LONG") == "1"


def cases(quick: int, long: int) -> int:
    """How many cases a test tries."""
    return long if LONG else quick
