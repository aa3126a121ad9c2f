"""The way between values of the configuration and the fields of its form."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from werkzeug.datastructures import MultiDict

from endpoints.config_catalogue import FRACTIONS, RAILS, SETTINGS, Kind

Fields = MultiDict[str, str]
WAS = "was."
"""Before the name of a key: its value as the person saw it, as JSON. A key without one is not in the form."""


def fields_of(values: Mapping[str, Any]) -> Fields:
    """The form that shows the values, which are JSON."""
    form: Fields = MultiDict()
    for key, value in values.items():
        form.add(WAS + key, orjson.dumps(value).decode())
        for name, text in _WRITE.get(SETTINGS[key].kind, _write_text)(key, value):
            form.add(name, text)
    return form


def values_of(form: Fields) -> dict[str, Any]:
    """The value of each key in the form, JSON or the text that was typed, for others to judge."""
    return {key: read(key, form) for key in SETTINGS if WAS + key in form}


def changed_values(form: Fields) -> dict[str, Any]:
    """Of those, what the person changed: what others changed meanwhile stays as it is."""
    return {key: value for key, value in values_of(form).items() if value != seen(key, form)}


def seen(key: str, form: Fields) -> Any:
    """The value that the person saw, in the way in which `read` gives it."""
    try:
        was = orjson.loads(form[WAS + key])
        return read(key, fields_of({key: was}))
    except (orjson.JSONDecodeError, AttributeError, TypeError, ValueError, KeyError):
        return None


def read(key: str, form: Fields) -> Any:
    kind = SETTINGS[key].kind
    return _READ.get(kind, _read_text)(key, form)


def number(text: str) -> float | str:
    """The number that the text spells, or the text, for the configuration to refuse."""
    plain = text.strip().replace(",", ".")
    try:
        found = float(plain)
    except ValueError:
        return plain
    if not math.isfinite(found):
        return plain
    return int(found) if found.is_integer() and abs(found) < 1e15 else found


def shown(value: Any) -> str:
    """A number as it is entered."""
    return f"{value:.15g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def percents(value: Any) -> str:
    """A part of one as a percentage, without its sign."""
    return shown(round(100 * value, 8)) if isinstance(value, int | float) else str(value)


def part(text: str) -> float | str:
    """The part of one that a percentage spells, or the text."""
    found = number(text)
    return found if isinstance(found, str) else found / 100


Pairs = list[tuple[str, str]]


def _write_text(key: str, value: Any) -> Pairs:
    return [(key, shown(value))]


def _write_switch(key: str, value: Any) -> Pairs:
    return [(key, "true")] if value else []


def _write_lines(key: str, value: Any) -> Pairs:
    return [(key, "\n".join(value))]


def _write_each(key: str, value: Any) -> Pairs:
    return [(key, each) for each in value]


def _write_aliases(key: str, value: Any) -> Pairs:
    return [(f"{key}.{alias}", ref) for alias, ref in value.items()]


def _write_experiment(key: str, value: Any) -> Pairs:
    shares = [(f"{key}.share.{arm}", percents(share)) for arm, share in value["arms"].items()]
    return [(f"{key}.name", value["name"]), (f"{key}.salt", value["salt"]), *shares]


def _write_guardrails(key: str, value: Any) -> Pairs:
    limits = [(f"{key}.{name}", shown(limit)) for name, limit in value.items() if limit is not None]
    return [*limits, *((f"{key}.{name}.on", "true") for name, limit in value.items() if limit is not None)]


def _write_json(key: str, value: Any) -> Pairs:
    return [(key, orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())]


def _read_text(key: str, form: Fields) -> Any:
    return form.get(key, "").strip()


def _read_lines(key: str, form: Fields) -> list[str]:
    return [line.strip() for line in form.get(key, "").replace(",", "\n").splitlines() if line.strip()]


def _read_aliases(key: str, form: Fields) -> dict[str, str]:
    """A name without a model is an alias that is taken away."""
    named = {name.removeprefix(f"{key}."): ref for name, ref in form.items() if name.startswith(f"{key}.")}
    more = form.get("alias-name", "").strip()
    chosen = {**named, more: form.get("alias-model", "")} if more else named
    return {alias: ref for alias, ref in chosen.items() if ref}


def _read_experiment(key: str, form: Fields) -> dict[str, Any]:
    """Arms without a share are left out."""
    prefix, name = f"{key}.share.", form.get(f"{key}.name", "").strip()
    shares = {field.removeprefix(prefix): text for field, text in form.items() if field.startswith(prefix)}
    arms = {arm: part(text) for arm, text in shares.items() if text.strip() and number(text) != 0}
    return {"name": name, "salt": _salt(form, key, name), "arms": arms}


def _salt(form: Fields, key: str, name: str) -> str:
    """The name, where none is entered, or where an experiment of another name would take over the salt of the last."""
    salt, was = form.get(f"{key}.salt", "").strip(), _json_of(form.get(WAS + key, ""))
    renamed = isinstance(was, dict) and was.get("salt") == salt and was.get("name") != name
    return name if renamed or not salt else salt


def _read_guardrails(key: str, form: Fields) -> dict[str, Any]:
    """A rule that is off has no limit."""
    held = [rail.name for rail in RAILS if not rail.switch or f"{key}.{rail.name}.on" in form]
    return {rail.name: number(form.get(f"{key}.{rail.name}", "")) if rail.name in held else None for rail in RAILS}


def _read_each(key: str, form: Fields) -> list[str]:
    """What was chosen before keeps its place."""
    chosen, was = form.getlist(key), _json_of(form.get(WAS + key, ""))
    kept = [each for each in was if each in chosen] if isinstance(was, list) else []
    return [*kept, *(each for each in chosen if each not in kept)]


def _json_of(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _read_json(key: str, form: Fields) -> Any:
    text = form.get(key, "").strip()
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


_WRITE: dict[Kind, Callable[[str, Any], Pairs]] = {
    **dict.fromkeys(FRACTIONS, lambda key, value: [(key, percents(value))]),
    "switch": _write_switch,
    "lines": _write_lines,
    "models": _write_each,
    "paused": _write_each,
    "aliases": _write_aliases,
    "experiment": _write_experiment,
    "guardrails": _write_guardrails,
    "json": _write_json,
}
_READ: dict[Kind, Callable[[str, Fields], Any]] = {
    **dict.fromkeys(FRACTIONS, lambda key, form: part(form.get(key, ""))),
    "number": lambda key, form: number(form.get(key, "")),
    "switch": lambda key, form: key in form,
    "lines": _read_lines,
    "models": _read_each,
    "paused": _read_each,
    "aliases": _read_aliases,
    "experiment": _read_experiment,
    "guardrails": _read_guardrails,
    "json": _read_json,
}
