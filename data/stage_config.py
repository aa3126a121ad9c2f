"""The configuration of the staging deployment, read over its public HTTP API."""

from http import HTTPStatus
from typing import Any

import orjson
import urllib3
from urllib3.exceptions import HTTPError

from helpers.errors import UserError

TIMEOUT = urllib3.Timeout(connect=3.0, total=15.0)


def stage_config(url: str, token: str) -> tuple[dict[str, Any], int]:
    """Every value in force there, and the revision of its table. Raises UserError when they cannot be read."""
    address = f"{url.rstrip('/')}/v1/config"
    try:
        with urllib3.PoolManager(timeout=TIMEOUT, retries=False) as pool:
            reply = pool.request("GET", address, headers={"Authorization": f"Bearer {token}"}, redirect=False)
    except HTTPError as error:
        raise UserError(f"STAGE_URL ({url}) does not answer: {type(error).__name__}", "STAGE_URL") from error
    if reply.status != HTTPStatus.OK:
        hint = "; STAGE_TOKEN needs the scope config:read" if reply.status in (401, 403) else ""
        raise UserError(f"STAGE_URL ({url}) answered {reply.status}{hint}", "STAGE_URL")
    return _read(url, reply.data)


def _read(url: str, body: bytes) -> tuple[dict[str, Any], int]:
    try:
        found = orjson.loads(body)
        return dict(found["values"]), int(found["revision"])
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"STAGE_URL ({url}) answered something else than a configuration", "STAGE_URL") from error
