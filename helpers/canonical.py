"""One spelling for equal data, so that its digest means the same in every process."""

import hashlib
import math
from typing import Any

import orjson


def canonical_json(data: Any) -> bytes:
    """JSON with sorted keys and no spaces, UTF-8. Raises TypeError for what JSON cannot hold, NaN and infinity too."""
    text = orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
    if b"null" in text and not _finite(data):  # orjson spells them as null, like None
        raise TypeError("JSON holds neither NaN nor infinity")
    return text


def digest(data: Any) -> str:
    """SHA-256 of the canonical JSON, 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(data)).hexdigest()


def rounded(data: Any, decimals: int) -> Any:
    """The same with each fraction rounded to so many decimals; there is one zero."""
    if isinstance(data, float):
        return round(data, decimals) + 0.0
    if isinstance(data, dict):
        return {name: rounded(value, decimals) for name, value in data.items()}
    return [rounded(value, decimals) for value in data] if isinstance(data, list | tuple) else data


def _finite(data: Any) -> bool:
    if isinstance(data, float):
        return math.isfinite(data)
    parts = data.values() if isinstance(data, dict) else data if isinstance(data, list | tuple) else ()
    return all(_finite(part) for part in parts if not isinstance(part, _PLAIN))


_PLAIN = (str, int, type(None))
