"""Answers to requests that nobody read: bytes that are made once."""

from http import HTTPStatus

from endpoints.hardening import POLICY
from endpoints.problems import MEDIA_TYPE, Problem
from helpers.any_json import any_json

RETRY_AFTER_SECONDS = "1"
_HEADERS = {
    "Content-Type": MEDIA_TYPE,
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in POLICY.items()),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
}


def _spelled(status: int, detail: str, **headers: str) -> bytes:
    body = any_json(Problem(status, detail).document())
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in {**_HEADERS, **headers}.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


OVERLOADED = _spelled(
    503,
    "more is asked than this process can answer; nothing was read or scored. Send it again later",
    Retry_After=RETRY_AFTER_SECONDS,
)
TOO_SLOW = _spelled(408, "the request did not arrive whole in time", Connection="close")
