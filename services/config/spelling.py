"""How the config table spells values, and how values given from anywhere become such text."""

from typing import Any

import orjson

from data.columns import PROSE_BYTES
from helpers.canonical import canonical_json
from services.config.model import KEYS, STRUCTURED, ConfigRefused, LiveConfig

LARGEST_WHOLE = 2.0**53


def spelled(key: str, value: Any) -> str:
    """The text of a value that is JSON, or text already. Raises ConfigRefused for what no row can hold."""
    try:
        text = _text(key, value)
        size = len(text.encode())
    except UnicodeEncodeError:
        raise ConfigRefused({key: "must be valid Unicode; it holds half of a surrogate pair"}) from None
    except TypeError:
        raise ConfigRefused({key: "holds what JSON cannot spell; use text, numbers, lists and objects"}) from None
    if size > PROSE_BYTES:
        raise ConfigRefused({key: f"is {size:,} bytes long; a value may have {PROSE_BYTES:,} at most"})
    return text


def texts(config: LiveConfig) -> dict[str, str]:
    """Every key with its value as the table spells it: equal values have equal texts."""
    return {key: spelled(key, value) for key, value in config.model_dump(mode="json").items()}


def typed(texts_by_key: dict[str, str]) -> dict[str, Any]:
    """JSON values of texts as `texts` gives them, for programs; of no key in particular, text stays text."""
    return {key: _value(key, text) for key, text in texts_by_key.items()}


def _text(key: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if key in STRUCTURED or isinstance(value, bool | list | dict | None):
        return canonical_json(value).decode()
    if isinstance(value, float) and value.is_integer() and abs(value) < LARGEST_WHOLE:
        return str(int(value))
    return str(value)


def _value(key: str, text: str) -> Any:
    if key not in KEYS or LiveConfig.model_fields[key].annotation is str:
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
