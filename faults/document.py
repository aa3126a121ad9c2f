"""`docs/promises.md`, made of what a run found."""

import os
import platform
from collections.abc import Sequence

from faults.finding import Finding
from faults.promises import PROMISES

COLUMNS = ("promise", "on", "fault", "count", "figure", "verdict")
HEAD = """# What Holdfast promises

Written by `./run.sh faults`, which tries every promise on real servers that it freezes, kills and lets refuse.
*Acknowledged* means that the client got a 200; *lost*, that the answer is not in the ledger once the outbox has
drained; *unexpected*, that it is there and nobody asked; *doubled*, that a client who asked once has more than one row.
Requests come at times fixed in advance, each of a fresh client, and latency counts from those times, so that a stall is
felt by everybody who would have come meanwhile.

A run takes a quarter of an hour, so that some is tried on a smaller scale than meant: the count then says so in
brackets. `./run.sh faults P4 P6` tries some, `./run.sh faults soak` an hour of one fault a minute, and
`./run.sh test` holds the quick form of each: the same trials with small numbers in `tests/faults`, and the tests marked
`promise`.
"""


def document(findings: Sequence[Finding], minutes: float) -> str:
    """The page: a table of the verdicts, and where and how long they were tried."""
    machine = f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    broken = sum(not each.holds for each in findings)
    verdict = "Every promise held." if not broken else f"{broken} of {len(findings)} trials did not hold."
    rows = [f"| {' | '.join(COLUMNS)} |", f"|{'-|' * len(COLUMNS)}", *map(_row, findings)]
    told = f"{verdict} The run took {minutes:.0f} minutes on {machine}."
    return f"{HEAD}\n{told}\n\n" + "\n".join(rows) + "\n"


def table(findings: Sequence[Finding]) -> str:
    """The findings for a terminal."""
    lines = [f"{'':5}{'':12}{'verdict':15}figure"]
    for each in findings:
        verdict = "holds" if each.holds else "DOES NOT HOLD"
        lines += [f"{each.promise:5}{each.on:12.12}{verdict:15}{each.figure}"]
        lines += [f"{'':32}{each.fault}; {_count(each)}"]
    return "\n".join(lines)


def _count(finding: Finding) -> str:
    """On how much, and where this is less than was meant."""
    scaled = PROMISES[finding.promise].scaled
    return f"{finding.count} ({scaled})" if scaled else finding.count


def _row(finding: Finding) -> str:
    verdict = "holds" if finding.holds else "**does not hold**"
    name = f"{finding.promise} {PROMISES[finding.promise].text}"
    return f"| {name} | {finding.on} | {finding.fault} | {_count(finding)} | {finding.figure} | {verdict} |"
