"""How values of the configuration read: what a person would say for the text in the table."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from endpoints.config_catalogue import FRACTIONS, POLICIES, RAILS, SETTINGS, Kind
from endpoints.config_fields import percents, shown
from endpoints.experiments_wording import arm_name
from services.config.spelling import typed

NOTHING = "none"
_LENGTHS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


def title(key: str) -> str:
    """By its name on the page; of a key that there is not, itself."""
    return SETTINGS[key].title if key in SETTINGS else key


def words_of_text(key: str, text: str | None) -> str:
    """The value that a row of the table spells; the text itself where it spells none."""
    if text is None:
        return "nothing yet"
    try:
        return words(key, typed({key: text})[key]) if key in SETTINGS else text
    except (AttributeError, KeyError, TypeError, ValueError):
        return text


def words(key: str, value: Any) -> str:
    """A valid value, as JSON."""
    setting = SETTINGS[key]
    return _WORDS.get(setting.kind, _plain)(value, setting.unit)


def arms_words(arms: Mapping[str, float]) -> str:
    """The champion first: `Champion 90%, Challenger 10%`."""
    ordered = sorted(arms.items(), key=lambda each: (-each[1], each[0]))
    return ", ".join(f"{arm_name(arm)} {percents(share)}%" for arm, share in ordered)


def _plain(value: Any, unit: str) -> str:
    return str(value)


def _number(value: Any, unit: str) -> str:
    if not isinstance(value, int | float):
        return str(value)
    text = f"{value:,}" if isinstance(value, int) else f"{value:,.10g}"
    apart = "" if unit.startswith("%") else " "
    return (
        f"{text}{apart}{_singular(unit) if value == 1 else unit}{_length(value) if unit == 'seconds' else ''}".rstrip()
    )


def _singular(unit: str) -> str:
    first, apart, rest = unit.partition(" ")
    return f"{first.removesuffix('s')}{apart}{rest}"


def _length(seconds: float) -> str:
    """Longer than a minute, and whole in a larger unit: ` (5 minutes)`."""
    for length, unit in _LENGTHS:
        if seconds >= length and seconds % length == 0:
            count = int(seconds // length)
            return f" ({count} {unit}{'s' if count > 1 else ''})"
    return ""


def _fraction(value: Any, unit: str) -> str:
    apart = "" if unit == "%" else " "
    return f"{percents(value)}{apart}{unit}"


def _switch(value: Any, unit: str) -> str:
    return "on" if value in (True, "true", "1", "yes", "on") else "off"


def _policy(value: Any, unit: str) -> str:
    return POLICIES.get(value, str(value))


def _lines(value: Any, unit: str) -> str:
    return ", ".join(value) or NOTHING


def _models(value: Any, unit: str) -> str:
    return ", ".join(map(arm_name, value)) or NOTHING


def _aliases(value: Any, unit: str) -> str:
    return ", ".join(f"{arm_name(alias)} is {arm_name(ref)}" for alias, ref in value.items()) or NOTHING


def _experiment(value: Any, unit: str) -> str:
    arms = {arm: share for arm, share in value["arms"].items() if share}
    if len(arms) == 1:
        return f"everybody meets {arm_name(next(iter(arms)))}"
    return f"“{value['name']}”: {arms_words(arms)}"


def _guardrails(value: Any, unit: str) -> str:
    return "; ".join(f"{rail.title} {_rail(value[rail.name])}" for rail in RAILS if rail.name in value)


def _rail(value: Any) -> str:
    return "off" if value is None else shown(value)


def _json(value: Any, unit: str) -> str:
    return NOTHING if value in (None, [], {}) else orjson.dumps(value).decode()


_WORDS: dict[Kind, Callable[[Any, str], str]] = {
    **dict.fromkeys(FRACTIONS, _fraction),
    "number": _number,
    "switch": _switch,
    "policy": _policy,
    "lines": _lines,
    "models": _models,
    "paused": _lines,
    "aliases": _aliases,
    "experiment": _experiment,
    "guardrails": _guardrails,
    "json": _json,
}
