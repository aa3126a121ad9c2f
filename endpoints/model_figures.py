"""The figures of a model's card as people read them, and where their intervals stand on a line."""

from collections.abc import Iterable
from dataclasses import dataclass

from endpoints.experiments_wording import MINUS
from endpoints.interval_marks import Mark, Scale, Tone, scale_around, tone_of
from modeling.card import Card, Interval

FOLD_KEYS = ("mean", "std")


@dataclass(frozen=True, slots=True)
class Figure:
    """`key` is its name in a card; `smallest` is the reach of the line for differences."""

    key: str
    title: str
    about: str
    more_is_better: bool
    smallest: float = 0.01
    digits: int = 3

    def words(self, value: float) -> str:
        return f"{value:.{self.digits}f}"

    def span(self, found: Interval) -> str:
        return f"{self.words(found.low)} to {self.words(found.high)}"

    def signed(self, value: float) -> str:
        """A difference, with its sign; what rounds to nothing has none."""
        text = f"{value:+.{self.digits}f}"
        return self.words(0) if float(text) == 0 else text.replace("-", MINUS)


FIGURES = (
    Figure("roc_auc", "ROC AUC", "How often who left had the higher score than who stayed: 0.5 is guessing.", True),
    Figure("log_loss", "Log loss", "How far the probabilities are from what happened; this one decides.", False),
    Figure("ece", "Calibration error", "By how much the probabilities are off on average.", False),
    Figure("pr_auc", "PR AUC", "How many of those flagged left, over all cutoffs.", True),
    Figure("brier", "Brier score", "Mean squared distance of the probability from what happened.", False),
    Figure(
        "top_decile_lift", "Lift of the top tenth", "Leavers in the riskiest tenth, against the average.", True, 0.1, 2
    ),
)
LISTED = FIGURES[:3]


@dataclass(frozen=True, slots=True)
class Shown:
    """A figure of one model, drawn; `folds` is its mean over folds with the spread, empty where unknown."""

    figure: Figure
    found: Interval
    mark: Mark
    folds: str

    @property
    def value(self) -> str:
        return self.figure.words(self.found.mean)

    @property
    def span(self) -> str:
        return self.figure.span(self.found)


@dataclass(frozen=True, slots=True)
class Gap:
    """How far the second of two models is from the first, drawn; `finding` says which one is better."""

    value: str
    span: str
    finding: str
    mark: Mark


class Lines:
    """A line for each figure, long enough for all the `cards`; across it stands the value of `reference`."""

    def __init__(self, cards: Iterable[Card], reference: Card | None) -> None:
        self._reference = reference
        drawn = [*cards, *([reference] if reference else [])]
        self._scales = {figure.key: _scale(figure, drawn) for figure in FIGURES}

    def shown(self, card: Card, figures: Iterable[Figure]) -> list[Shown | None]:
        """One for each of `figures`; None for what the card does not have."""
        return [self._one(card, figure) for figure in figures]

    def _one(self, card: Card, figure: Figure) -> Shown | None:
        found = card.metrics.get(figure.key)
        if found is None:
            return None
        scale = self._scales[figure.key]
        line = self._reference.metrics.get(figure.key, found) if self._reference else found
        words = f"{figure.title}: {figure.words(found.mean)}, from {figure.span(found)}"
        low, point, high, across = map(scale.place, (found.low, found.mean, found.high, line.mean))
        mark = Mark(low, point, high, across, "undecided", words)
        return Shown(figure, found, mark, _folds(card, figure))


def gap(figure: Figure, found: Interval) -> Gap:
    """`found` is the second less the first."""
    tone = tone_of(found.low, found.high) if figure.more_is_better else tone_of(-found.high, -found.low)
    scale = scale_around((found.low, found.high), figure.smallest)
    span = f"{figure.signed(found.low)} to {figure.signed(found.high)}"
    words = f"{figure.title}: difference {figure.signed(found.mean)}, from {span}"
    mark = scale.mark(found.low, found.mean, found.high, tone, words)
    return Gap(figure.signed(found.mean), span, _FINDINGS[tone], mark)


_FINDINGS: dict[Tone, str] = {"better": "B is better", "worse": "A is better", "undecided": "cannot be told apart"}


def _scale(figure: Figure, cards: Iterable[Card]) -> Scale:
    known = [card.metrics[figure.key] for card in cards if figure.key in card.metrics]
    low = min((each.low for each in known), default=0.0)
    high = max((each.high for each in known), default=1.0)
    return Scale(low, max(high, low + figure.smallest))


def _folds(card: Card, figure: Figure) -> str:
    over = card.cross_validated.get(figure.key)
    if not isinstance(over, dict) or not all(isinstance(over.get(key), float) for key in FOLD_KEYS):
        return ""
    return f"{figure.words(over['mean'])} ± {figure.words(over['std'])}"
