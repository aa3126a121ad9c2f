"""How the trials of promises are chosen, and what is made of them."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from faults.document import document, table
from faults.finding import Finding
from faults.marked import findings
from faults.promises import PROMISES, chosen
from tests.support.deployment import ROOT, own_environment

HELD = Finding("P1", "SQLite", "none", "10 requests", "lost 0", holds=True)
BROKEN = Finding("P2", "MariaDB", "a kill", "9 requests", "lost 1", holds=False)
SOME_TESTS = """
import pytest
@pytest.mark.promise("P19")
@pytest.mark.parametrize("number", [1, 2])
def test_one(number, record_property): record_property("drawn", 600 * number)
@pytest.mark.promise("P20")
def test_two(): assert False
@pytest.mark.promise("P20")
@pytest.mark.skip
def test_three(): pass
def test_other(): assert False
"""


def test_every_promise_is_there_once_in_order() -> None:
    assert list(PROMISES) == [f"P{number}" for number in range(1, 24)]
    assert list(chosen(["P4", "P1"])) == ["P4", "P1"]
    assert chosen([]) == PROMISES


def marked(source: str) -> Iterator[str]:
    """The promises that the tests in a file are marked with."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.promise":
            yield from (ast.literal_eval(each) for each in node.args)


def test_every_promise_is_shown_by_a_test_of_the_whole_check() -> None:
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    assert {promise for source in sources for promise in marked(source)} == set(PROMISES)


def test_the_page_and_the_table_tell_what_did_not_hold() -> None:
    page = document([HELD, BROKEN], minutes=12.3)
    assert f"| 10 requests ({PROMISES['P1'].scaled}) |" in page
    assert "1 of 2 trials did not hold. The run took 12 minutes" in page
    assert (
        "| P2 A killed web worker loses nothing acknowledged | MariaDB | a kill | 9 requests | lost 1 | **does not"
        in page
    )
    assert "Every promise held." in document([HELD], minutes=1)
    assert table([HELD, BROKEN]).count("DOES NOT HOLD") == 1


def test_marked_tests_are_run_and_reported_by_promise(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = promise: what is promised\n", encoding="utf-8")
    (tmp_path / "test_some.py").write_text(SOME_TESTS, encoding="utf-8")
    report = tmp_path / "report.json"
    words = [
        "--promises",
        "P19,P20,P21",
        "--promise-report",
        str(report),
        "-p",
        "faults.marked",
        "-p",
        "no:cacheprovider",
        "-n",
        "2",
    ]
    environ = {**own_environment(), "PYTHONPATH": str(ROOT)}
    ended = subprocess.run([sys.executable, "-m", "pytest", *words], cwd=tmp_path, env=environ, check=False)
    assert ended.returncode == 1
    nineteen, twenty, twenty_one = findings(["P19", "P20", "P21"], report)
    assert (nineteen.count, nineteen.figure, nineteen.holds) == ("2 tests, 1,800 cases drawn", "2 passed", True)
    assert (twenty.figure, twenty.holds) == ("1 failed, 1 skipped", False)
    assert (twenty_one.fault, twenty_one.holds) == ("no test is marked with it", False)
