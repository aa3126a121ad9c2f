"""The form that starts an experiment: which models answer which share of the clients."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from endpoints.entered import Entered, entered
from endpoints.experiments_wording import arm_name
from endpoints.wording import percent
from experiments.plan import CHAMPION
from helpers.errors import UserError
from services.config.model import LiveConfig
from services.experiment_values import Start
from services.experiments import ExperimentService

SHARE = "share."
FIELDS = ("name", "reason")
_FEWEST_ARMS = 2
_EXACT = 1e-6


@dataclass(frozen=True, slots=True)
class Offer:
    """What may be an arm. `hint` is the model behind an alias, `text` the share in percent as entered."""

    arm: str
    name: str
    hint: str
    text: str

    @property
    def field(self) -> str:
        return f"{SHARE}{self.arm}"


@dataclass(frozen=True, slots=True)
class StartForm:
    """The form with what was entered; `layers` are those that there are, `main_runs` what the others run in."""

    offers: Sequence[Offer]
    layers: Sequence[str]
    main_runs: str
    entered: Entered


def start_form(config: LiveConfig, available: Sequence[str], given: Entered) -> StartForm:
    """`available` are models by name@version."""
    main = config.experiment
    return StartForm(
        _offers(config, available, given), sorted(config.layers), main.name if main.compares else "", given
    )


def begin(service: ExperimentService, form: Mapping[str, str], author: str) -> tuple[str, Entered]:
    """Starts what the form describes. Gives what was done in one sentence, or an empty text and what is wrong."""
    wanted, given = read_start(form)
    if wanted is None:
        return "", given
    try:
        service.start(wanted, author, given.text("reason"))
    except UserError as error:
        return "", given.refused_by(error)
    return f"“{wanted.name}” has started: each client keeps the model that it meets first.", given


def read_start(form: Mapping[str, str]) -> tuple[Start | None, Entered]:
    """The experiment that the form describes, or None and what is wrong with it."""
    given = entered(form, FIELDS)
    shares, errors = _shares(given)
    layer_share, wrong = _percent(given.text("share"))
    given = given.with_errors({**errors, **({"share": wrong} if wrong else {})})
    if given.refused:
        return None, given
    arms = {arm: share / 100 for arm, share in shares.items() if share > 0}
    part = layer_share / 100 if layer_share else None
    return Start(given.text("name"), arms, layer=given.text("layer") or None, share=part), given


def _offers(config: LiveConfig, available: Sequence[str], given: Entered) -> list[Offer]:
    """The aliases, the champion first, and every model that no alias stands for."""
    aliases = sorted(config.aliases, key=lambda alias: (alias != CHAMPION, alias))
    others = [ref for ref in available if ref not in set(config.aliases.values())]
    named = [(alias, arm_name(config.aliases[alias])) for alias in aliases] + [(ref, "") for ref in others]
    return [Offer(arm, arm_name(arm), hint, given.text(f"{SHARE}{arm}")) for arm, hint in named]


def _shares(given: Entered) -> tuple[dict[str, float], dict[str, str]]:
    """The shares in percent by arm, and what is wrong by field."""
    read = {name: _percent(text) for name, text in given.texts.items() if name.startswith(SHARE) and text.strip()}
    errors = {name: wrong for name, (_, wrong) in read.items() if wrong}
    shares = {name.removeprefix(SHARE): share for name, (share, _) in read.items()}
    if not errors:
        wrong = _wrong_sum([share for share in shares.values() if share > 0])
        errors = {"shares": wrong} if wrong else {}
    return shares, errors


def _percent(text: str) -> tuple[float, str]:
    if not text:
        return 0.0, ""
    try:
        share = float(text.replace(",", "."))
    except ValueError:
        share = math.nan
    return (share, "") if 0 <= share <= 100 else (0.0, "Must be a number from 0 to 100.")


def _wrong_sum(shares: Sequence[float]) -> str:
    if len(shares) < _FEWEST_ARMS:
        return "Give at least two models a share: one alone has nothing to be compared with."
    missing = 100 - sum(shares)
    if abs(missing) < _EXACT:
        return ""
    over = "are missing" if missing > 0 else "are too much"
    return f"The shares sum to {percent(sum(shares) / 100)}, not 100%: {percent(abs(missing) / 100)} {over}."
