"""What treating clients saved: what a client of the holdout loses, less what a treated one loses."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from data.readout_store import EarlyOutcomes, Part
from experiments.plan import HOLDOUT
from experiments.statistics import Estimate, difference
from services.readout.parts import MoneyReadout
from services.readout.sums import Sums, cents, sums
from services.readout.wording import amount, span

MONTH = timedelta(days=30.44)
NO_HOLDOUT = "no client is in the holdout; set holdout_percentage to learn it"


@dataclass(frozen=True, slots=True)
class Sides:
    """The clients of the holdout, and all others. `doubt`: why the two cannot be compared, if anything forbids it."""

    holdout: Sums
    treated: Sums
    doubt: str | None


def sides_of(parts: Sequence[Part], early: EarlyOutcomes, doubt: str | None) -> Sides:
    held = [part for part in parts if part.served.arm == HOLDOUT]
    others = [part for part in parts if part.served.arm != HOLDOUT]
    return Sides(sums(held, early), sums(others, early), doubt)


def saved_per_client(sides: Sides) -> tuple[Estimate | None, str | None]:
    """The always-valid difference of the mean lost money, or why there is none."""
    if not sides.holdout.clients:
        return None, NO_HOLDOUT
    if sides.doubt:
        return None, sides.doubt
    for whose, found in (("the holdout", sides.holdout), ("the treated clients", sides.treated)):
        if not found.enough_money:
            return None, f"too few clients of {whose} with a lifetime value have matured, left or stayed so far"
    return difference(sides.holdout.lost, sides.treated.lost), None


def money_readout(sides: Sides, months: float) -> MoneyReadout:
    """`months`: how long the clients were collected. The first month counts whole: what some hours saved says little
    of a month."""
    per_client, reason = saved_per_client(sides)
    if per_client is None or reason:
        sentence = f"What treating clients saves is not known yet: {reason}."
        return MoneyReadout(None, None, None, months, sides.treated.valued, sentence, reason)
    total = per_client.scaled(sides.treated.valued)
    month = total.scaled(1 / max(1.0, months))
    words = saved_words(month, "a month")
    return MoneyReadout(cents(per_client), cents(month), cents(total), months, sides.treated.valued, words, None)


def months_between(began: datetime | None, until: datetime) -> float:
    return max(timedelta(), until - began) / MONTH if began else 0.0


def saved_words(saved: Estimate, when: str) -> str:
    """One sentence on money saved `a month`, or in some other time."""
    if saved.low > 0:
        return f"Treating clients saves {amount(saved.value)} {when} against the holdout ({span(saved)})."
    if saved.high < 0:
        return f"Treating clients loses {amount(-saved.value)} {when} against the holdout ({span(saved.scaled(-1))})."
    return f"Whether treating clients saves money is not decided: it is {span(saved)} {when} against the holdout."
