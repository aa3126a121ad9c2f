"""Tries what is promised, and says which promises hold.

Writes the result beside this file and, when every promise was tried, `docs/promises.md`.
"""

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

import click

from faults.document import document, table
from faults.promises import PROMISES, SHARE, chosen
from faults.running import tried
from tests.support.deployment import ROOT

RESULT = Path(__file__).with_name("promises.json")
DOCUMENT = ROOT / "docs" / "promises.md"


@click.command()
@click.argument("promises", nargs=-1, type=click.Choice(list(PROMISES)), metavar="[P1 P4 …]")
def main(promises: tuple[str, ...]) -> None:
    """Try all promises, or those named; exits with 1 when one does not hold."""
    begun = time.monotonic()
    findings = tried(chosen(promises), share=1.0 if promises else SHARE)
    minutes = (time.monotonic() - begun) / 60
    print(f"{table(findings)}\n{minutes:.1f} minutes")
    if not promises:
        result = {"minutes": round(minutes, 1), "findings": [asdict(each) for each in findings]}
        RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        DOCUMENT.write_text(document(findings, minutes), encoding="utf-8")
        print(f"written to {RESULT.relative_to(ROOT)} and {DOCUMENT.relative_to(ROOT)}")
    sys.exit(0 if all(each.holds for each in findings) else 1)


if __name__ == "__main__":
    main()
