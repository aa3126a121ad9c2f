"""Promises that pytest shows: the tests marked `promise("P19")` and so on, in their long form.

Also the plugin of that run, which leaves out every other test and keeps what became of these.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import TypedDict

import pytest

from faults.finding import Finding
from tests.support.deployment import ROOT, TIED


class Outcome(TypedDict):
    """What became of a test, and how many cases it drew."""

    outcome: str
    drawn: int


def try_marked(promises: Collection[str], share: float) -> list[Finding]:
    """A finding for each promise; one that no test is marked with does not hold. Those that draw for many minutes
    draw `share` of their cases."""
    with tempfile.TemporaryDirectory(prefix="hf") as folder:
        report = Path(folder) / "report.json"
        options = ["--promises", ",".join(promises), "--promise-report", str(report), "-q", "--timeout", "900"]
        options += ["-n", "2", "--dist", "worksteal"]
        command = [*TIED, sys.executable, "-m", "pytest", "-p", "faults.marked", *options, "tests"]
        environ = {**os.environ, "HOLDFAST_LONG": str(share)}
        subprocess.run(command, cwd=ROOT, env=environ, stdout=sys.stderr, check=False)
        return findings(promises, report)


def findings(promises: Collection[str], report: Path) -> list[Finding]:
    """What a report of the plugin says of each promise; without a report none holds."""
    outcomes = json.loads(report.read_text(encoding="utf-8")) if report.exists() else {}
    return [_finding(promise, outcomes.get(promise, {})) for promise in promises]


def _finding(promise: str, outcomes: dict[str, Outcome]) -> Finding:
    counts = Counter(each["outcome"] for each in outcomes.values())
    files = sorted({test.partition("::")[0] for test in outcomes})
    drawn = sum(each["drawn"] for each in outcomes.values())
    return Finding(
        promise=promise,
        on="SQLite, MariaDB",
        fault=", ".join(f"`{file}`" for file in files) or "no test is marked with it",
        count=f"{len(outcomes)} tests" + (f", {drawn:,} cases drawn" if drawn else ""),
        figure=", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items())) or "none",
        holds=bool(outcomes) and set(counts) == {"passed"},
    )


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--promises", default="", help="Only tests marked with one of these promises.")
    parser.addoption("--promise-report", default="", help="Where what became of them is written as JSON.")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(_Marked(config.getoption("--promises").split(","), config.option.promise_report))


class _Marked:
    """Runs the tests marked with one of `promises`, and writes what became of each to `report`. Also where tests run in
    several processes: what these tell the one that started them is in the `user_properties`."""

    def __init__(self, promises: Collection[str], report: str) -> None:
        self._report = Path(report)
        self._outcomes: dict[str, dict[str, Outcome]] = {promise: {} for promise in promises}

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        for item in items:
            item.user_properties += [("promise", name) for name in self._promises(item)]
        left_out = [item for item in items if not item.user_properties]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item.user_properties]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            drawn = sum(int(str(value)) for name, value in report.user_properties if name == "drawn")
            for name, value in report.user_properties:
                if name == "promise":
                    self._outcomes[str(value)][report.nodeid] = {"outcome": report.outcome, "drawn": drawn}

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if not hasattr(session.config, "workerinput"):
            self._report.write_text(json.dumps(self._outcomes), encoding="utf-8")

    def _promises(self, item: pytest.Item) -> set[str]:
        named = {name for marker in item.iter_markers("promise") for name in marker.args}
        return named & set(self._outcomes)
