"""Whatever an event holds, it is one line of JSON, and telling it never fails."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from helpers.any_json import any_json

ROOT = Path(__file__).parents[2]

TELL = r"""
import logging, structlog
from helpers.logs import configure_logging
configure_logging()
structlog.get_logger().info("told", text="half \ud800", number=2**70, lines="one\ntwo")
logging.getLogger("library").warning("half %s", "\udfff")
"""


def test_every_event_is_one_line_whatever_it_holds() -> None:
    done = subprocess.run([sys.executable, "-c", TELL], check=True, capture_output=True, text=True, cwd=ROOT)
    ours, theirs = [json.loads(line) for line in done.stderr.splitlines()]
    assert (ours["event"], ours["text"], ours["number"], ours["lines"]) == ("told", "half ?", 2**70, "one\ntwo")
    assert (theirs["event"], theirs["logger"]) == ("half ?", "library")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"\ud800": 1}, {"?": 1}),
        ({"a": ["\udfff", "ä"]}, {"a": ["?", "ä"]}),
        ({"a": 2**64}, {"a": 2**64}),
        ({1: "a", "b": Path("c")}, {"1": "a", "b": "c"}),
    ],
)
def test_what_json_has_no_word_for_is_told_as_near_as_can_be(data: Any, told: Any) -> None:
    assert json.loads(any_json(data)) == told
