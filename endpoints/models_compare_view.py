"""What the page of two models beside each other shows; A is the first one, B the second."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from endpoints.experiments_wording import arm_name, plural, points
from endpoints.model_card_view import Plot, plots
from endpoints.model_figures import FIGURES, Figure, Gap, Lines, Shown, gap
from endpoints.models_view import Working, model_name, working
from endpoints.wording import label, percent
from modeling.card import Card
from services.model_comparison import MOST_ANSWERS, RECENT, Agreement, difference, same_customers
from services.model_duties import Duties, Meeting
from services.models import Condition, Known

_SAME = (
    "Both figures are of the same customers, so the interval of the difference is rather too wide than too narrow: "
    "what it calls better is better."
)
_OTHER = (
    "The two were judged on different customers, perhaps of different tables: a difference may be the "
    "customers' rather than the models'."
)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two."""

    letter: str
    card: Card
    name: str
    working: Working


@dataclass(frozen=True, slots=True)
class Line:
    """A figure of both, as far as their cards have it."""

    figure: Figure
    a: Shown | None
    b: Shown | None
    gap: Gap | None


@dataclass(frozen=True, slots=True)
class Pictures:
    """The same picture of both; None where one does not have it."""

    title: str
    about: str
    broad: bool
    a: Plot | None
    b: Plot | None


@dataclass(frozen=True, slots=True)
class Meet:
    """An experiment in which both score the same traffic."""

    experiment: str
    words: str


@dataclass(frozen=True, slots=True)
class Comparison:
    sides: tuple[Side, Side]
    lines: Sequence[Line]
    basis: str
    only: tuple[Sequence[str], Sequence[str]]
    shared: str
    pictures: Sequence[Pictures]
    meets: Sequence[Meet]
    agreement: Sequence[tuple[str, str]]
    window: str = f"the newest {MOST_ANSWERS:,} answers of the last {RECENT.days} days"


@dataclass(frozen=True, slots=True)
class CompareView:
    """The page. `found` is None as long as no two models are chosen; `errors` are by the field's name."""

    choices: Sequence[tuple[str, str]]
    pair: tuple[str, str]
    found: Comparison | None = None
    errors: dict[str, str] = field(default_factory=dict)


def comparison(
    pair: tuple[Known, Known],
    conditions: tuple[Condition, Condition],
    duties: tuple[Duties, Duties],
    meetings: Sequence[Meeting],
    agreed: Agreement | None,
) -> Comparison:
    """The two of `pair` with what belongs to each, in the same order."""
    a, b = (known.card for known in pair)
    both = sorted(set(a.features) & set(b.features))
    return Comparison(
        sides=(Side("A", a, model_name(a), working(duties[0])), Side("B", b, model_name(b), working(duties[1]))),
        lines=_lines(a, b),
        basis=_SAME if same_customers(a, b) else _OTHER,
        only=(_only(a, b), _only(b, a)),
        shared=plural(len(both), "feature"),
        pictures=_pictures(plots(a, conditions[0].plots), plots(b, conditions[1].plots)),
        meets=[Meet(each.experiment, _meeting_words(each)) for each in meetings],
        agreement=_agreement(agreed) if agreed else (),
    )


def _lines(a: Card, b: Card) -> list[Line]:
    lines = Lines([a, b], a)
    pairs = zip(FIGURES, lines.shown(a, FIGURES), lines.shown(b, FIGURES), strict=True)
    return [Line(figure, one, other, _gap(figure, one, other)) for figure, one, other in pairs if one or other]


def _gap(figure: Figure, a: Shown | None, b: Shown | None) -> Gap | None:
    return gap(figure, difference(a.found, b.found)) if a and b else None


def _only(one: Card, other: Card) -> list[str]:
    return [label(column) for column in one.features if column not in other.features]


def _pictures(a: Sequence[Plot], b: Sequence[Plot]) -> list[Pictures]:
    first, second = ({plot.name: plot for plot in each} for each in (a, b))
    found = {**second, **first}
    names = dict.fromkeys([*first, *second])
    return [
        Pictures(found[name].title, found[name].about, found[name].broad, first.get(name), second.get(name))
        for name in names
    ]


def _meeting_words(meeting: Meeting) -> str:
    if not meeting.silent:
        return "both answer clients there"
    return f"{', '.join(map(arm_name, meeting.silent))} scores there silently"


def _agreement(found: Agreement) -> list[tuple[str, str]]:
    return [
        ("Clients scored by both", f"{found.clients:,}"),
        ("Same side of the cutoff", percent(found.same_side)),
        ("Apart on average, in points", f"{100 * found.apart:.1f}"),
        ("B above A, in points", points(found.higher)),
    ]
