"""What the page of one model shows: its card in words, its figures beside the champion's, and its pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from endpoints.entered import Entered, sentence
from endpoints.model_figures import FIGURES, Lines, Shown
from endpoints.models_view import Working, model_name, trained_at, working
from endpoints.wording import label, percent
from modeling.card import Card
from services.model_duties import Duties, Use
from services.models import Condition, Known

NOTHING = Entered()
BARELY = 0.0005
BROAD = "effects"
_PLOTS: Mapping[str, tuple[str, str, str]] = {
    BROAD: ("Effects of the most telling features", "What each value adds to the log-odds of leaving.", ""),
    "calibration": ("Calibration", "Probability said against share that left; on the dashed line both agree.", "ece"),
    "scores": ("Scores of those who left and stayed", "The further apart the two, the better.", ""),
    "gains": ("Cumulative gains", "Share of the leavers found by calling the riskiest first.", ""),
    "lift": ("Lift by tenth", "How often each tenth left, against the average.", "top_decile_lift"),
    "roc": ("ROC curve", "Leavers found against stayers called in vain.", "roc_auc"),
}


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture; `figure` is what sums it up, empty where nothing does."""

    name: str
    title: str
    about: str
    figure: str

    @property
    def broad(self) -> bool:
        """Whether it is several pictures in one, which needs the width of the page."""
        return self.name == BROAD


@dataclass(frozen=True, slots=True)
class Weight:
    """What a feature weighs, in log-odds; `width` is its bar, in percent of the longest one. None is not known."""

    column: str
    name: str
    words: str
    value: float | None
    width: float


@dataclass(frozen=True, slots=True)
class Option:
    """Something else that the model can be used for."""

    use: Use
    title: str
    what: str


@dataclass(frozen=True, slots=True)
class CardView:
    """One model. `problem` says why its folder would not be served."""

    card: Card
    name: str
    trained_at: datetime | None
    manifest_sha256: str
    recorded: bool
    working: Working
    problem: str
    card_problem: str
    figures: Sequence[Shown]
    against: str
    weights: Sequence[Weight]
    plots: Sequence[Plot]
    options: Sequence[Option]
    climbs: bool
    versions: str
    given: Entered = field(default=NOTHING)


def card_view(
    known: Known, condition: Condition, found: Duties, champion: Card | None, given: Entered = NOTHING
) -> CardView:
    """`champion` is the card of the one in charge, None while there is none; `given` what was entered on the page."""
    card = known.card
    other = champion if champion and champion.ref != card.ref else None
    shown = Lines([card], other).shown(card, FIGURES)
    return CardView(
        card=card,
        name=model_name(card),
        trained_at=trained_at(known),
        manifest_sha256=known.manifest_sha256,
        recorded=known.recorded_at is not None,
        working=working(found),
        problem=sentence(condition.problem) if condition.problem else "",
        card_problem=sentence(known.problem) if known.problem else "",
        figures=[each for each in shown if each],
        against=model_name(other) if other else "",
        weights=weights(card),
        plots=plots(card, condition.plots),
        options=[option for option in OPTIONS if not found.has(option.use)],
        climbs=found.stage != "champion",
        versions=", ".join(f"{name} {version}" for name, version in sorted(card.libraries.items())),
        given=given,
    )


def weights(card: Card) -> list[Weight]:
    """Every feature, the weightiest first."""
    longest = max(card.importance.values(), default=0.0) or 1.0
    ordered = sorted(card.features, key=lambda column: -card.importance.get(column, 0.0))
    return [_weight(column, card.importance.get(column), longest) for column in ordered]


def plots(card: Card, names: Sequence[str]) -> list[Plot]:
    """The pictures there are, in the order in which they are best read."""
    known = [name for name in _PLOTS if name in names]
    return [_plot(card, name) for name in [*known, *(name for name in names if name not in _PLOTS)]]


def _plot(card: Card, name: str) -> Plot:
    title, about, key = _PLOTS.get(name, (label(name), "", ""))
    found, figure = card.metrics.get(key), next((each for each in FIGURES if each.key == key), None)
    if found is None or figure is None:
        return Plot(name, title, about, "")
    return Plot(name, title, about, f"{figure.title} {figure.words(found.mean)}, {figure.span(found)}")


def _weight(column: str, value: float | None, longest: float) -> Weight:
    if value is None:
        return Weight(column, label(column), "not known", None, 0.0)
    words = f"{value:.3f}" if value >= BARELY or value == 0 else "hardly any"
    return Weight(column, label(column), words if value else "none", value, round(100 * value / longest, 2))


def cutoff_words(card: Card) -> str:
    """The cutoff that the training proposed, with its criterion."""
    return f"{percent(card.cutoff)}: {card.cutoff_criterion}" if card.cutoff_criterion else percent(card.cutoff)


OPTIONS = (
    Option("champion", "Make champion", "It answers every client that no experiment gives to another model."),
    Option("challenger", "Use as challenger", "Experiments that name the challenger mean this model."),
    Option("shadow", "Score silently", "It scores every client beside the model that answers; nobody sees its scores."),
)
