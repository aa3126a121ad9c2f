"""Hands messages to a receiver over HTTP, signed as the Standard Webhooks specification says (version 1.0.0).

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import urllib3
from standardwebhooks import Webhook
from urllib3.exceptions import HTTPError

from data.delivery import Refused, Unavailable
from data.notifications import Notification
from helpers.canonical import canonical_json
from helpers.clock import Clock

CONNECT_SECONDS, TOTAL_SECONDS = 2.0, 5.0
FIRST_REST, REST_GROWTH, LONGEST_REST = 5.0, 3.0, 60.0
LONGEST_WAIT = 3_600.0
ASKS_TO_WAIT = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}


class WebhookSender:
    """Any 2xx is delivered, 410 is refused, and everything else may be tried again: redirects too, which are not
    followed. No reply's body is read.

    A receiver that failed is left alone for a while that grows with each failure in a row, so that it costs the worker
    few of its timeouts. Not for several threads.
    """

    def __init__(self, url: str, secret: str, clock: Clock, monotonic: Callable[[], float] = time.monotonic) -> None:
        """`url` may hold a token of the receiver's, so it is never shown; `secret` is `whsec_` and base64."""
        self._url = url
        self._signer = Webhook(secret)
        self._clock = clock
        self._monotonic = monotonic
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, total=TOTAL_SECONDS)
        self._pool = urllib3.PoolManager(timeout=timeout, retries=False)
        self._failures = 0
        self._rests_until = 0.0

    def rest(self) -> float:
        """The seconds for which the receiver is still left alone."""
        return max(0.0, self._rests_until - self._monotonic())

    def send(self, notification: Notification) -> None:
        """One attempt, under the message's own id and the time of the attempt. Raises Refused or Unavailable."""
        self._rest()  # beforehand, and taken back: so whatever ends the attempt counts as a failure
        status, wait = self._post(notification)
        if status == HTTPStatus.GONE or 200 <= status < 300:
            self._failures, self._rests_until = 0, 0.0
        if status == HTTPStatus.GONE:
            raise Refused("the receiver answered 410: it wants no more of them")
        if not 200 <= status < 300:
            self._rests_until = max(self._rests_until, self._monotonic() + wait)
            raise Unavailable(f"the receiver answered {status}", pause=wait)

    def _rest(self) -> None:
        pause = min(LONGEST_REST, FIRST_REST * REST_GROWTH ** min(self._failures, 10))
        self._failures += 1
        self._rests_until = self._monotonic() + pause

    def _post(self, notification: Notification) -> tuple[int, float]:
        """The status, and the seconds that the receiver asks us to wait."""
        body = canonical_json(notification.message)
        headers = self._headers(notification.message_id, body)
        try:
            reply = self._pool.request(
                "POST", self._url, body=body, headers=headers, redirect=False, preload_content=False
            )
        except (HTTPError, OSError) as error:  # its text would show the address
            raise Unavailable(f"the receiver was not reached: {type(error).__name__}") from None
        reply.close()
        asked = reply.headers.get("Retry-After") if reply.status in ASKS_TO_WAIT else None
        return reply.status, _seconds(asked, self._clock.now())

    def _headers(self, message_id: str, body: bytes) -> dict[str, str]:
        now = self._clock.now()
        return {
            "Content-Type": "application/json",
            "Connection": "close",
            "User-Agent": "Holdfast",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(message_id, now, body.decode()),
        }


def _seconds(retry_after: str | None, now: datetime) -> float:
    """What Retry-After asks for, as seconds or as a date (RFC 9110, 10.2.3), an hour at most; 0 for anything else."""
    text = (retry_after or "").strip()
    try:
        seconds = float(int(text)) if text.isdecimal() else (_instant(text) - now).total_seconds()
    except (ValueError, OverflowError):
        return 0.0
    return min(LONGEST_WAIT, max(0.0, seconds))


def _instant(text: str) -> datetime:
    found = parsedate_to_datetime(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
