"""The sentences on the page of one experiment that the readout leaves to it."""

from collections.abc import Sequence

from endpoints.entered import sentence
from endpoints.experiments_wording import month_name, plural
from services.readout.facts import MONTHS, is_month
from services.readout.reading import Readout

SMALLEST_P = 0.001
_EARLY = {
    "none": "",
    "counted": "Outcomes that were reported before that count at once.",
    "waiting": "Earlier reports wait until then: so far too few of them tell of clients who stayed.",
}


def title_of(experiment: str) -> str:
    """The name, or for a month of the permanent holdout what it is."""
    if is_month(experiment):
        return f"Permanent holdout, {month_name(experiment.removeprefix(MONTHS))}"
    return experiment


def matured_words(readout: Readout) -> str:
    """When a client counts."""
    days = plural(readout.maturity_days, "day")
    return f"A client is matured, and counts, {days} after the first answer. {_EARLY[readout.early_outcomes]}".rstrip()


def ratio_words(readout: Readout) -> str:
    """Whether clients reach the arms as configured; empty where that cannot be tested."""
    return sentence(readout.mismatch.sentence) if readout.mismatch else ""


def p_words(readout: Readout) -> str:
    """The p-value of that test: `= 0.71`, or `< 0.001`."""
    value = readout.mismatch.p_value if readout.mismatch else 1.0
    return f"= {value:.2g}" if value >= SMALLEST_P else f"< {SMALLEST_P}"


def other_warnings(readout: Readout) -> Sequence[str]:
    """All but the one on the shares, which has a place of its own."""
    found = readout.mismatch
    return [each for each in readout.warnings if not (found and found.alarm and found.sentence in each)]
