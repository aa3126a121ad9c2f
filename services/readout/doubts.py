"""What casts doubt on a readout: shares that do not come out as configured, and warnings in words."""

from collections.abc import Iterator

from experiments.plan import HOLDOUT
from services.readout.arms import Arms
from services.readout.facts import is_month
from services.readout.figures import Figures
from services.readout.parts import MismatchReadout
from services.readout.wording import plural, together


def warnings(arms: Arms, figures: Figures, maturity_days: int) -> tuple[str, ...]:
    """Sentences, the gravest first."""
    return tuple(
        warning
        for some in (
            _of_shares(arms.split),
            _of_arms(arms, figures),
            _of_outcomes(figures, maturity_days),
            _of_money(arms),
        )
        for warning in some
    )


def _of_shares(found: MismatchReadout | None) -> Iterator[str]:
    if found and found.alarm:
        yield f"Do not trust these figures: {found.sentence}"


def _of_arms(arms: Arms, figures: Figures) -> Iterator[str]:
    known = arms.facts.arms
    strange = [arm for arm in arms.sums if known and arm not in known and arm != HOLDOUT]
    if strange:
        yield f"Clients met {together(strange)}, which the experiment does not have: look for changes made by hand."
    for arm in () if is_month(arms.facts.name) else arms.sums:
        models = sorted({part.served.model for part in figures.parts if part.served.arm == arm})
        if arm != HOLDOUT and len(models) > 1:
            yield f"{arm} was served by {together(models)}: its figures are of all of them together."
    if figures.contacted:
        yield (
            f"Something was done to {plural(figures.contacted, 'client')} of the holdout: "
            "what treating clients saves comes out too small."
        )


def _of_outcomes(figures: Figures, maturity_days: int) -> Iterator[str]:
    if figures.early == "waiting":
        yield (
            f"Clients who stay are reported too seldom before {plural(maturity_days, 'day')} are over, so nobody "
            "counts before: leavers alone would be known, and every rate too high."
        )
    if figures.waiting:
        which = (
            "1 outcome names a prediction" if figures.waiting == 1 else f"{figures.waiting:,} outcomes name predictions"
        )
        yield f"{which} that the ledger does not have: nobody knows whose they are."


def _of_money(arms: Arms) -> Iterator[str]:
    clients = sum(found.clients for found in arms.sums.values())
    without = clients - sum(found.valued for found in arms.sums.values())
    if without:
        yield f"{without:,} of {plural(clients, 'client')} have no lifetime value and are left out of all money."
