"""Whether tests are to take the whole number of cases that is promised, and the minutes that this takes."""

import os


def long_form() -> bool:
    return os.environ.get("HOLDFAST_LONG") == "1"
