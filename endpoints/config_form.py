"""The form of the configuration: what its controls offer, what was entered, and what is wrong beside it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from werkzeug.datastructures import MultiDict

from endpoints.config_catalogue import RAILS, SETTINGS, Setting
from endpoints.config_fields import Fields, fields_of, shown
from endpoints.entered import REQUIRED, sentence
from endpoints.experiments_wording import arm_name
from endpoints.schema_form import Choice
from experiments.plan import CHAMPION
from helpers.errors import UserError
from services.config.model import ConfigRefused, LiveConfig

REASON = "reason"
_NUMERIC = "Input should be"
_NO_RECIPIENT = "email_policy needs an address"
_RAIL_NAMES = {rail.name: rail for rail in RAILS}


@dataclass(frozen=True, slots=True)
class Filled:
    """The form as it stands. `errors` are by key, `problem` is wrong with the whole."""

    fields: Fields
    errors: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""

    def text(self, name: str) -> str:
        return self.fields.get(name, "")

    def has(self, name: str, value: str) -> bool:
        return value in self.fields.getlist(name)

    def under(self, prefix: str) -> list[str]:
        """What follows the prefix in the names of fields."""
        return [name.removeprefix(prefix) for name in self.fields if name.startswith(prefix)]

    @property
    def wrong(self) -> bool:
        return bool(self.errors or self.problem)

    def refused_by(self, error: UserError) -> "Filled":
        if isinstance(error, ConfigRefused):
            return Filled(self.fields, {key: said(key, text) for key, text in error.problems.items()})
        if error.field == REASON:
            return Filled(self.fields, {REASON: sentence(str(error))})
        return Filled(self.fields, {}, sentence(str(error)))


@dataclass(frozen=True, slots=True)
class Offers:
    """What there is to choose from. `locked` is the name of a running experiment, whose arms stay as they are."""

    models: list[Choice]
    arms: list[Choice]
    shadows: list[Choice]
    paused: list[Choice]
    locked: str


def filled(config: LiveConfig) -> Filled:
    """The form with what is in force."""
    return Filled(fields_of(config.model_dump(mode="json")))


def posted(form: Mapping[str, str]) -> Filled:
    """What was entered, a blank reason being wrong already."""
    fields: Fields = MultiDict(form)
    errors = {} if fields.get(REASON, "").strip() else {REASON: REQUIRED}
    return Filled(fields, errors)


def offers(config: LiveConfig, available: list[str]) -> Offers:
    """`available` are models by name@version."""
    refs = sorted({*available, *config.aliases.values()})
    aliases = sorted(config.aliases, key=lambda alias: (alias != CHAMPION, alias))
    named = [Choice(alias, f"{arm_name(alias)} ({arm_name(config.aliases[alias])})") for alias in aliases]
    models = [Choice(ref, arm_name(ref)) for ref in refs]
    others = [choice for choice in named if choice.value != CHAMPION]
    unnamed = [choice for choice in models if choice.value not in config.aliases.values()]
    running = [each.name for each in config.experiments if each.compares]
    main = config.experiment
    return Offers(
        models=models,
        arms=_with(named, [*main.arms]),
        shadows=_with([*others, *unnamed], config.shadow),
        paused=_with([Choice(name, name) for name in running], config.paused),
        locked=main.name if main.compares else "",
    )


def bounds(setting: Setting) -> str:
    """The range in words, for beside the field."""
    if setting.low is None or setting.high is None:
        return ""
    return f"From {_end(setting.low)} to {_end(setting.high)}{_unit(setting.unit)}."


def _with(choices: list[Choice], chosen: "list[str] | tuple[str, ...]") -> list[Choice]:
    """What is chosen is offered, whatever it is."""
    known = {choice.value for choice in choices}
    return [*choices, *(Choice(name, arm_name(name)) for name in chosen if name not in known)]


def said(key: str, text: str) -> str:
    """In the words and the units of the form."""
    setting = SETTINGS.get(key)
    if setting is None:
        return sentence(text)
    if text.startswith(_NO_RECIPIENT):
        return "Mail about answers needs one recipient at least."
    if setting.low is not None and text.startswith(_NUMERIC):
        kind = "whole number" if setting.whole else "number"
        return f"Must be a {kind} from {_end(setting.low)} to {_end(setting.high)}{_unit(setting.unit)}."
    return _said_of_rail(text) if setting.kind == "guardrails" else sentence(text)


def _said_of_rail(text: str) -> str:
    name = re.split(r"[:.]", text, maxsplit=1)[0]
    rail = _RAIL_NAMES.get(name)
    return f"{rail.title}: must be a number from {_end(rail.low)} to {_end(rail.high)}." if rail else sentence(text)


def _end(value: float | None) -> str:
    return f"{value:,.10g}" if value is not None and abs(value) >= 1_000 else shown(value)


def _unit(unit: str) -> str:
    return f"{'' if unit.startswith('%') else ' '}{unit}" if unit else ""
