"""JSON for what must be told whatever it holds: log lines and problem documents."""

import json
from typing import Any

import orjson


def any_json(data: Any) -> bytes:
    """`data` as JSON in UTF-8. What orjson refuses is spelled as near as can be: text that is not valid
    Unicode with a question mark in its place, whole numbers of any size in full."""
    try:
        return orjson.dumps(data, default=str)
    except TypeError:
        return json.dumps(data, default=str, skipkeys=True, ensure_ascii=False).encode("utf-8", "replace")
