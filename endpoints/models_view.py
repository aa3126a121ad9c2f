"""What the list of models shows, and what every page says of a model's duties."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from endpoints.entered import sentence
from endpoints.experiments_wording import arm_name
from endpoints.ladder_view import STAGES
from endpoints.model_figures import LISTED, Lines, Shown
from endpoints.wording import label, percent
from modeling.card import Card
from services.config.model import LiveConfig
from services.ladder import Stage
from services.model_duties import Arm, Duties, duties
from services.models import Known, Listing

_STEPS: Mapping[Stage, str] = {"none": "Not on the ladder", **STAGES}


@dataclass(frozen=True, slots=True)
class Place:
    """An arm in words, with the experiment that its page tells of."""

    experiment: str
    words: str


@dataclass(frozen=True, slots=True)
class Working:
    """What a model does at present, in words."""

    names: Sequence[str]
    silent: bool
    places: Sequence[Place]
    step: str

    @property
    def idle(self) -> bool:
        return not (self.names or self.silent or self.places)


@dataclass(frozen=True, slots=True)
class Row:
    """A model of the list. `trained_at` is None where nobody wrote it down."""

    known: Known
    name: str
    trained_at: datetime | None
    working: Working
    shown: Sequence[Shown | None]
    missing: bool
    problem: str


@dataclass(frozen=True, slots=True)
class ListView:
    """The list; `pair` are the two to compare that the form begins with."""

    rows: Sequence[Row]
    older: int | None
    champion: str
    choices: Sequence[tuple[str, str]]
    pair: tuple[str, str]


def list_view(found: Listing, config: LiveConfig | None, champion: Card | None, references: Sequence[str]) -> ListView:
    """`champion` is the card of the one in charge, None while there is none."""
    lines = Lines([known.card for known in found.models], champion)
    rows = [_row(known, config, lines, known.ref in found.missing) for known in found.models]
    return ListView(
        rows,
        found.older,
        model_name(champion) if champion else "",
        choices(references),
        _pair(champion.ref if champion else "", config, references),
    )


def model_name(card: Card) -> str:
    """The model as people say it: Gradient boosting 3."""
    return f"{label(card.name)} {card.version}"


def choices(references: Sequence[str]) -> list[tuple[str, str]]:
    """Each `name@version` with its words."""
    return [(ref, f"{arm_name(ref)} ({ref})") for ref in references]


def working(found: Duties) -> Working:
    names = [label(alias) for alias in found.aliases]
    return Working(names, found.silent, [_place(arm) for arm in found.arms], _STEPS[found.stage])


def trained_at(known: Known) -> datetime | None:
    """When the card says that it was trained, else when it was recorded."""
    try:
        return datetime.fromisoformat(known.card.created_at).astimezone()
    except ValueError:
        return known.recorded_at


def _row(known: Known, config: LiveConfig | None, lines: Lines, missing: bool) -> Row:
    return Row(
        known=known,
        name=model_name(known.card),
        trained_at=trained_at(known),
        working=working(duties(config, known.ref)),
        shown=lines.shown(known.card, LISTED),
        missing=missing,
        problem=sentence(known.problem) if known.problem else "",
    )


def _place(arm: Arm) -> Place:
    return Place(arm.experiment, f"{label(arm.name) if '@' not in arm.name else 'Arm'}, {percent(arm.share)}")


def _pair(champion: str, config: LiveConfig | None, references: Sequence[str]) -> tuple[str, str]:
    """The champion and its challenger, else the newest other model."""
    challenger = config.aliases.get("challenger", "") if config else ""
    others = [ref for ref in (challenger, *references) if ref and ref != champion]
    return champion, next(iter(others), "")
