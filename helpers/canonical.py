"""One spelling for equal data, so that its digest means the same in every process."""

import hashlib
from typing import Any

import orjson


def canonical_json(data: Any) -> bytes:
    """JSON with sorted keys and no spaces, UTF-8. Raises TypeError for what JSON cannot hold."""
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS)


def digest(data: Any) -> str:
    """SHA-256 of the canonical JSON, 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(data)).hexdigest()
