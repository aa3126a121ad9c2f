"""What each customer is still worth: value a period times the periods that similar customers stay on."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modeling.dataset import Dataset
from modeling.encoding import Codes
from modeling.schema import Feature
from modeling.survival import Survival, constant, expected_periods, observed

Doubles = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

HORIZON = 60  # periods: five years of months
YEARLY_DISCOUNT = 0.10
PERIODS_A_YEAR = 12
DISCOUNT = (1 + YEARLY_DISCOUNT) ** (-1 / PERIODS_A_YEAR)
OLDEST = 1_200  # periods; an older customer is taken for this old
LEAST_ROWS, LEAST_LEFT = 100, 10
TENURE = re.compile(
    r"tenure|account_?length|(months?|weeks?)_?(on_?book|active|as_|since|with)|(account|membership)_?(age|months)"
)


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """`values` (N,) in the table's currency, NaN where the value of a period is not known; `said` tells how."""

    values: Doubles
    method: str
    said: str


def lifetimes(dataset: Dataset) -> Lifetimes | None:
    """The discounted value that each customer is expected to bring in the next 60 periods, if still there.

    Value a period × the discounted expected residual lifetime among similar customers (Gupta, Lehmann and
    Stuart, "Valuing customers", 2004, with a survival curve in place of one retention rate). Who has left does
    not count as worth nothing: the label shapes the curves, not the customer. None without a value column.
    """
    if dataset.values is None:
        return None
    left = dataset.y.astype(np.float64)
    tenure = _tenure(dataset)
    age = np.zeros(len(left), np.int64) if tenure is None else _ages(dataset, tenure)
    exposure = np.asarray(age + 1.0, np.float64)
    similar = _most_telling(dataset, tenure, left, exposure)
    groups = np.zeros(len(left), np.int64) if similar is None else _groups(dataset, similar, left)
    periods = np.zeros(len(left))
    for group in np.unique(groups):
        inside = groups == group
        curve: Survival = constant(left[inside]) if tenure is None else observed(age[inside], left[inside])
        periods[inside] = expected_periods(curve, age[inside], HORIZON, DISCOUNT)
    return Lifetimes(np.maximum(dataset.values, 0) * periods, _method(tenure), _said(dataset, tenure, similar))


def _tenure(dataset: Dataset) -> int | None:
    """The column that says for how many periods a customer has been here, by its name."""
    named = re.compile(r"[^a-z]+")
    for position, feature in enumerate(dataset.schema.features):
        spelled = named.sub("_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", feature.name).lower())
        if feature.kind == "number" and (feature.minimum or 0) >= 0 and TENURE.search(spelled):
            return position
    return None


def _ages(dataset: Dataset, tenure: int) -> Integers:
    """Whole periods; a gap is the median age."""
    column = dataset.x[:, tenure].astype(np.float64)
    known = np.where(np.isnan(column), np.nanmedian(column), column)
    return np.clip(np.floor(known), 0, OLDEST).astype(np.int64)


def _most_telling(dataset: Dataset, tenure: int | None, left: Doubles, exposure: Doubles) -> int | None:
    """The column of categories whose groups leave at the most different rates: those of a group are alike.

    By the likelihood of one rate of leaving per period and group (an exponential lifetime with censoring),
    less what its groups cost by the Bayesian information criterion. None when no column pays.
    """
    best, best_gain = None, _likelihood(np.zeros(len(left), np.int64), left, exposure)
    for position, feature in enumerate(dataset.schema.features):
        if position == tenure or feature.kind not in {"category", "boolean"}:
            continue
        gain = _likelihood(_groups(dataset, position, left), left, exposure)
        if gain > best_gain:
            best, best_gain = position, gain
    return best


def _likelihood(groups: Integers, left: Doubles, exposure: Doubles) -> float:
    leavers, periods = np.bincount(groups, weights=left), np.bincount(groups, weights=exposure)
    used = periods > 0
    rates = np.maximum(leavers[used], 0.5) / periods[used]
    price = float(used.sum()) * np.log(len(left)) / 2
    return float((leavers[used] * np.log(rates) - rates * periods[used]).sum() - price)


def _groups(dataset: Dataset, position: int, left: Doubles) -> Integers:
    """A number for each category that has enough customers and leavers; 0 for all the rest together."""
    column = dataset.x[:, position]
    groups = np.zeros(len(column), np.int64)
    for number, code in enumerate(_codes(dataset.schema.features[position]), start=1):
        inside = column == code
        if inside.sum() >= LEAST_ROWS and left[inside].sum() >= LEAST_LEFT:
            groups[inside] = number
    return groups


def _codes(feature: Feature) -> Iterator[float]:
    if feature.kind == "boolean":
        yield from (0.0, 1.0)
    else:
        codes = Codes(feature)
        yield from (codes[name] for name in feature.categories)


def _method(tenure: int | None) -> str:
    return "geometric" if tenure is None else "kaplan_meier"


def _said(dataset: Dataset, tenure: int | None, similar: int | None) -> str:
    names = dataset.schema.names
    among = "all customers" if similar is None else f"customers with the same {names[similar]}"
    if tenure is None:
        curve = "a constant rate of leaving a period, since no column tells how long customers have been here"
    else:
        curve = (
            f"the survival by {names[tenure]} (Kaplan-Meier), which must count the periods that the value is paid for"
        )
    return f"value a period × expected remaining periods (at most {HORIZON}, 10 % a year off) by {curve}, among {among}"
