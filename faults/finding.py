"""What came of trying one promise."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """`fault`: what was done; `count`: on how much; `figure`: what was measured. `holds` is the verdict."""

    promise: str
    on: str
    fault: str
    count: str
    figure: str
    holds: bool
