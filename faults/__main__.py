"""Tries what is promised, and says which promises hold.

Writes the result beside this file and, when every promise was tried, `docs/promises.md`.
"""

import json
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import click

from faults.document import document, table
from faults.finding import Finding
from faults.marked import try_marked
from faults.promises import PROMISES, Promise, chosen
from faults.world import fresh_servers
from tests.support.deployment import ROOT

RESULT = Path(__file__).with_name("promises.json")
DOCUMENT = ROOT / "docs" / "promises.md"


@click.command()
@click.argument("promises", nargs=-1, type=click.Choice(list(PROMISES)), metavar="[P1 P4 …]")
def main(promises: tuple[str, ...]) -> None:
    """Try all promises, or those named; exits with 1 when one does not hold."""
    begun = time.monotonic()
    findings = list(_tried(chosen(promises)))
    minutes = (time.monotonic() - begun) / 60
    print(f"{table(findings)}\n{minutes:.1f} minutes")
    if not promises:
        result = {"minutes": round(minutes, 1), "findings": [asdict(each) for each in findings]}
        RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        DOCUMENT.write_text(document(findings, minutes), encoding="utf-8")
        print(f"written to {RESULT.relative_to(ROOT)} and {DOCUMENT.relative_to(ROOT)}")
    sys.exit(0 if all(each.holds for each in findings) else 1)


def _tried(promises: Mapping[str, Promise]) -> Iterator[Finding]:
    by_tests = [name for name, promise in promises.items() if not promise.trials]
    if len(by_tests) < len(promises):
        _note("training models, starting MariaDB and Redis")
        with fresh_servers() as servers:
            for promise in promises.values():
                for trial in promise.trials:
                    yield _noted(trial(servers))
    if by_tests:
        _note(f"{', '.join(by_tests)}: by their tests, in their long form")
        yield from map(_noted, try_marked(by_tests))


def _noted(finding: Finding) -> Finding:
    verdict = "holds" if finding.holds else "DOES NOT HOLD"
    _note(f"{finding.promise} {finding.on}: {verdict}: {finding.figure}")
    return finding


def _note(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
