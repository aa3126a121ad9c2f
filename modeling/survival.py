"""How long customers stay, from a table that says how long each has been here and who has left."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

FEW = 30  # customers of an age; a rate of fewer is mostly noise


@dataclass(frozen=True, slots=True)
class Survival:
    """`hazard[t]` is the share of the customers of age t that leave in that period; `tail` that of any later age."""

    hazard: Doubles
    tail: float

    def at(self, ages: Integers) -> Doubles:
        """The hazard at each age."""
        found: Doubles = np.append(self.hazard, self.tail)[np.minimum(ages, len(self.hazard))]
        return found


def observed(age: Integers, left: Doubles) -> Survival:
    """Kaplan and Meier's estimate (1958): those who left at age t over all who reached it.

    Ages that fewer than 30 customers reached, and all later ones, share the hazard of the oldest quarter of
    the ages that more did.
    """
    reached = np.bincount(age)[::-1].cumsum()[::-1].astype(np.float64)
    leaving = np.bincount(age, weights=left)
    trusted = int((reached >= FEW).sum()) or len(reached)
    oldest = slice(trusted - max(1, trusted // 4), trusted)
    tail = float(leaving[oldest].sum() / reached[oldest].sum())
    return Survival(leaving[:trusted] / reached[:trusted], tail)


def constant(left: Doubles) -> Survival:
    """The geometric lifetime (Fader and Hardie, 2007): at every age the share of the table that left."""
    return Survival(np.zeros(0), float(left.mean()))


def expected_periods(survival: Survival, age: Integers, horizon: int, discount: float) -> Doubles:
    """Discounted expected number of periods that a customer of each age stays on, of the next `horizon`.

    The sum over k = 1 … horizon of discount^k * S(age + k) / S(age): the discounted expected residual lifetime
    (Fader and Hardie, "Customer-base valuation in a contractual setting", 2010), cut at the horizon.
    """
    staying, total = np.ones(len(age)), np.zeros(len(age))
    for k in range(1, horizon + 1):
        staying = staying * (1 - survival.at(age + k - 1))
        total = total + discount**k * staying
    return total
