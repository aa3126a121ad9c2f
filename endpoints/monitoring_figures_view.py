"""What the slower part of the monitoring page shows: drift, expected and true quality."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from endpoints.monitoring_charts import Columns, columns_of
from endpoints.monitoring_view import milliseconds
from endpoints.times import ago, time_of_day
from endpoints.wording import label, percent
from experiments.drift import LARGE, Shift
from modeling.drift import Binned
from services.monitoring.inputs import Drifted, Inputs
from services.monitoring.remembered import Figures
from services.monitoring.truth import Truth

WORDS = {"unknown": "too few clients", "stable": "stable", "moderate": "moderate shift", "large": "large shift"}
FULL_BAR = 2 * LARGE


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """`width` is that of the bar, 0 to 100; `moved` names the bin whose share changed most."""

    name: str
    shift: Shift
    words: str
    width: float
    moved: str


@dataclass(frozen=True, slots=True)
class BinRow:
    label: str
    before: float
    now: float


@dataclass(frozen=True, slots=True)
class InputsView:
    """`found` is None while it is being found."""

    found: Inputs | None
    at: str = ""
    age: str = ""
    features: Sequence[FeatureRow] = ()
    scores: FeatureRow | None = None
    score_bins: Sequence[BinRow] = ()
    score_columns: tuple[Columns, Columns] | None = None
    latency: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class TruthView:
    found: Sequence[Truth] | None
    at: str = ""
    age: str = ""


def inputs_view(figures: Figures[Inputs] | None, now: datetime) -> InputsView:
    if figures is None:
        return InputsView(None)
    found = figures.found
    bins = bins_of(found.scores.binned) if found.scores else []
    return InputsView(
        found=found,
        at=time_of_day(figures.at),
        age=ago(figures.at, now),
        features=[row for each in found.features if (row := _row(each))],
        scores=_row(found.scores) if found.scores else None,
        score_bins=bins,
        score_columns=_pair(bins) if bins else None,
        latency=[milliseconds(each) for each in found.seconds or ()],
    )


def truth_view(figures: Figures[list[Truth]] | None, now: datetime) -> TruthView:
    if figures is None:
        return TruthView(None)
    return TruthView(figures.found, time_of_day(figures.at), ago(figures.at, now))


def bins_of(binned: Binned) -> list[BinRow]:
    """The shares of each bin, then and now."""
    before, now = sum(binned.before) or 1.0, sum(binned.now) or 1.0
    found = zip(binned.labels, binned.before, binned.now, strict=True)
    return [BinRow(name, then / before, later / now) for name, then, later in found]


def _row(each: Drifted) -> FeatureRow | None:
    if each.shift is None:
        return None
    largest = max(bins_of(each.binned), key=lambda row: abs(row.now - row.before))
    moved = f"{largest.label}: {percent(largest.before)} → {percent(largest.now)}"
    width = round(min(100.0, 100 * each.shift.index / FULL_BAR), 1)
    return FeatureRow(label(each.binned.name), each.shift, WORDS[each.shift.level], width, moved)


def _pair(bins: Sequence[BinRow]) -> tuple[Columns, Columns]:
    """Then and now on one scale: the drawing of each is as high as the larger of them needs."""
    both = columns_of([[max(row.before, row.now)] for row in bins]).top
    return _scaled([row.before for row in bins], both), _scaled([row.now for row in bins], both)


def _scaled(shares: Sequence[float], top: float) -> Columns:
    return columns_of([[share] for share in shares], top)
