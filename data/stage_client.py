"""The staging deployment, reached over its public HTTP API alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson
import urllib3
from urllib3.exceptions import HTTPError

from helpers.errors import UserError

CONNECT_SECONDS, CALL_SECONDS = 3.0, 30.0
LONGEST_TOLD = 500
# Only connecting is tried again: what was sent may have been done.
_RETRIES = urllib3.Retry(total=2, connect=2, read=0, redirect=0, status=0, other=0, backoff_factor=0.2)


class StageProblem(UserError):
    """Staging did not do what it was asked to. `refused`: it said so, and changed nothing."""

    def __init__(self, message: str, refused: bool = False) -> None:
        super().__init__(message, "STAGE_URL")
        self.refused = refused


@dataclass(frozen=True, slots=True)
class StageConfig:
    """Every value in force there, as JSON, and the newest row of its table."""

    values: dict[str, Any]
    revision: int


class StageClient:
    """Every call raises StageProblem, which says in words what is wrong there. No redirect is followed: the token is
    for staging alone."""

    def __init__(self, url: str, token: str, seconds: float = CALL_SECONDS) -> None:
        self.url = url.rstrip("/")
        self._token = token
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, total=seconds)
        self._pool = urllib3.PoolManager(timeout=timeout, retries=_RETRIES)

    def config(self) -> StageConfig:
        found = self._call("GET", "/v1/config", "config:read")
        try:
            return StageConfig(dict(found["values"]), int(found["revision"]))
        except (TypeError, ValueError, KeyError):
            raise StageProblem(f"STAGE_URL ({self.url}) answered something else than a configuration") from None

    def change(self, values: Mapping[str, Any], reason: str) -> int | None:
        """Puts the values into force there and gives the revision that they became; None when they were already."""
        reply = self._call("POST", "/v1/config", "config:write", {"values": dict(values), "reason": reason})
        if reply.get("state") == "rehearsed":
            text = "waits for approval: approve it there, or turn two_person_rule off there"
            raise StageProblem(f"STAGE_URL ({self.url}): its change {reply.get('change')} {text}", refused=True)
        if reply.get("state") == "unchanged":
            return None
        if not isinstance(reply.get("revision"), int):
            raise StageProblem(f"STAGE_URL ({self.url}) answered a change without its revision")
        return int(reply["revision"])

    def refresh(self) -> None:
        """Every process there follows its table from now on."""
        self._call("POST", "/config-refresh", "config:write", {})

    def ask(self, instances: Sequence[Mapping[str, Any]]) -> list[Any]:
        """The answers of a batch, as they came."""
        reply = self._call("POST", "/v1/predict/batch", "predict", {"instances": list(instances)})
        answers = reply.get("answers")
        if not isinstance(answers, list):
            raise StageProblem(f"STAGE_URL ({self.url}) answered a batch without answers")
        return answers

    def _call(self, method: str, path: str, scope: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._token}", "Connection": "close", "User-Agent": "Holdfast"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        sent = None if body is None else orjson.dumps(body)
        try:
            reply = self._pool.request(method, f"{self.url}{path}", body=sent, headers=headers, redirect=False)
        except HTTPError as error:
            text = f"STAGE_URL ({self.url}) does not answer {method} {path}: {_kind(error)}"
            raise StageProblem(text) from error
        read = _json(reply.data)
        if reply.status not in (HTTPStatus.OK, HTTPStatus.ACCEPTED) or read is None:
            raise self._failed(method, path, scope, reply.status, read)
        return read

    def _failed(self, method: str, path: str, scope: str, status: int, reply: dict[str, Any] | None) -> StageProblem:
        hint = f"; STAGE_TOKEN needs the scope {scope}" if status in (401, 403) else _told(reply)
        refused = 400 <= status < 500
        return StageProblem(f"STAGE_URL ({self.url}): {method} {path} answered {status}{hint}", refused)


def _kind(error: HTTPError) -> str:
    """Of an error that ended all tries, the one of the last."""
    return type(getattr(error, "reason", None) or error).__name__


def _json(body: bytes) -> dict[str, Any] | None:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def _told(reply: Mapping[str, Any] | None) -> str:
    """What a problem document says."""
    if reply is None:
        return ", and no JSON"
    text = str(reply.get("detail") or reply.get("title") or "")
    return f": {text[:LONGEST_TOLD]}" if text else ""
