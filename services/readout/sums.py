"""What the clients of one arm, or of several together, come to."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from data.readout_store import EarlyOutcomes, Part
from experiments.statistics import MINIMUM_CLIENTS, MINIMUM_EVENTS, Estimate, Tally, enough


@dataclass(frozen=True, slots=True)
class Sums:
    """`valued` of the clients have a lifetime value. `lost` and `kept` are the money of the matured ones among these,
    `valued_churned` of whom left."""

    clients: int
    valued: int
    matured: int
    churned: int
    valued_churned: int
    lost: Tally
    kept: Tally

    @property
    def left(self) -> Tally:
        """1 for each matured client who left, 0 for each who stayed."""
        return Tally.of_events(self.matured, self.churned)

    @property
    def enough(self) -> bool:
        return enough(self.matured, self.churned)

    @property
    def enough_money(self) -> bool:
        return enough(self.lost.n, self.valued_churned)


def sums(parts: Iterable[Part], early: EarlyOutcomes) -> Sums:
    everybody = list(parts)
    matured = [part for part in everybody if part.matured(early)]
    left = [part for part in matured if part.churned]
    stayed = [part for part in matured if not part.churned]
    return Sums(
        clients=sum(part.clients for part in everybody),
        valued=sum(part.valued for part in everybody),
        matured=sum(part.clients for part in matured),
        churned=sum(part.clients for part in left),
        valued_churned=sum(part.valued for part in left),
        lost=_money(left, matured),
        kept=_money(stayed, matured),
    )


def shortage(found: Sums) -> str | None:
    """Why the arm may not be shown yet, without a word of how many left; None when it may."""
    if found.enough:
        return None
    if found.matured < MINIMUM_CLIENTS:
        return f"{found.matured:,} clients have matured so far; {MINIMUM_CLIENTS} are needed"
    return f"too few of the matured clients left, or too few stayed, so far; {MINIMUM_EVENTS} of each are needed"


def cents(found: Estimate | None) -> Estimate | None:
    """Money to the cent: beyond that, a sum depends on the order in which a database adds."""
    return found and Estimate(*(round(each, 2) for each in (found.value, found.low, found.high)))


def _money(theirs: Iterable[Part], of: Iterable[Part]) -> Tally:
    """The money of some clients among all those `of` whom the mean is to be."""
    chosen = list(theirs)
    total, squares = (math.fsum(each) for each in ([p.value for p in chosen], [p.squares for p in chosen]))
    return Tally(sum(part.valued for part in of), total, squares)
