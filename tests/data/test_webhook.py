"""The sender against a real receiver: what it says, and what it makes of each answer."""

import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial

import pytest
from standardwebhooks import Webhook

from data import webhook
from data.delivery import Refused, Unavailable
from data.notifications import WEBHOOK, Notification
from data.webhook import WebhookSender
from helpers.clock import SystemClock
from tests.support.clock import StandingClock
from tests.support.webhook_peer import DROP, SECRET, TOKEN, WebhookPeer

CONTENT = {
    "type": "client.risk.entered",
    "timestamp": "2026-11-22T08:30:00Z",
    "data": {"client_id": "äbc 😀", "p": 0.7},
}


class Hand:
    """A monotonic clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def due(message_id: str = "a" * 64) -> Notification:
    return Notification(message_id, "äbc 😀", [], CONTENT, datetime(2026, 11, 22, tzinfo=UTC), channel=WEBHOOK)


def sender(peer: WebhookPeer, monotonic: Callable[[], float] = time.monotonic) -> WebhookSender:
    return WebhookSender(peer.url, SECRET, SystemClock(), monotonic)


def test_it_is_signed_under_its_id_and_the_time_of_the_attempt(webhook_peer: WebhookPeer) -> None:
    sender(webhook_peer).send(due("one"))
    (delivery,) = webhook_peer.deliveries
    assert webhook_peer.forged == 0
    assert (delivery.id, delivery.content, delivery.path) == ("one", CONTENT, f"/hook/{TOKEN}")
    assert delivery.headers["content-type"] == "application/json"
    assert abs(int(delivery.headers["webhook-timestamp"]) - time.time()) < 60
    assert delivery.headers["webhook-signature"].startswith("v1,")


def test_another_secret_does_not_verify(webhook_peer: WebhookPeer) -> None:
    other = SECRET.replace("A", "B", 1)
    assert other != SECRET
    with pytest.raises(Unavailable):
        WebhookSender(webhook_peer.url, other, SystemClock()).send(due())
    assert webhook_peer.forged == 1


def test_the_signature_is_that_of_the_specification() -> None:
    """The example that the specification's own libraries are tested with."""
    signer = Webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = datetime.fromtimestamp(1614265330, UTC)
    signature = signer.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, '{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_is_delivered(webhook_peer: WebhookPeer, status: int) -> None:
    webhook_peer.reply = lambda _attempt, _id: status
    hook = sender(webhook_peer)
    hook.send(due())
    assert hook.rest() == 0


@pytest.mark.parametrize("status", [301, 302, 308, 400, 401, 404, 408, 409, 422, 425, 429, 500, 502, 503, 504])
def test_every_other_answer_may_be_tried_again_and_none_is_followed(webhook_peer: WebhookPeer, status: int) -> None:
    webhook_peer.reply = lambda _attempt, _id: status
    webhook_peer.headers = {"Location": webhook_peer.url}
    with pytest.raises(Unavailable, match=str(status)):
        sender(webhook_peer).send(due())
    assert webhook_peer.attempts == 1


def test_410_is_the_end_of_it(webhook_peer: WebhookPeer) -> None:
    webhook_peer.reply = lambda _attempt, _id: 410
    hook = sender(webhook_peer)
    with pytest.raises(Refused, match="410"):
        hook.send(due())
    assert hook.rest() == 0


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("-5", 0),
        ("9" * 30, 3_600),
        ("9" * 5_000, 0),
        ("soon", 0),
        (format_datetime(datetime(2026, 3, 1, 9, 2, tzinfo=UTC), usegmt=True), 120),
        ("Sun, 01 Mar 2026 08:00:00 GMT", 0),
        ("Sun, 01 Mar 2027 08:00:00 GMT", 3_600),
        ("Sun, 99 Mar 2027 08:00:00 GMT", 0),
    ],
)
def test_what_retry_after_asks_for(asked: str, seconds: float) -> None:
    assert webhook._seconds(asked, StandingClock().now()) == seconds


@pytest.mark.parametrize(("status", "pause"), [(429, 300), (503, 300), (500, 0)])
def test_a_receiver_that_asks_for_time_gets_it(webhook_peer: WebhookPeer, status: int, pause: float) -> None:
    webhook_peer.reply, webhook_peer.headers = lambda _attempt, _id: status, {"Retry-After": "300"}
    hand = Hand()
    hook = sender(webhook_peer, hand)
    with pytest.raises(Unavailable) as caught:
        hook.send(due())
    assert caught.value.pause == pause
    assert hook.rest() == max(5, pause)


def test_a_failing_receiver_is_left_alone_for_longer_and_longer(webhook_peer: WebhookPeer) -> None:
    webhook_peer.reply = lambda _attempt, _id: 500
    hand, rests = Hand(), []
    hook = sender(webhook_peer, hand)
    for _ in range(5):
        with pytest.raises(Unavailable):
            hook.send(due())
        rests.append(hook.rest())
        hand.now += hook.rest()
    assert rests == [5, 15, 45, 60, 60]
    webhook_peer.reply = lambda _attempt, _id: 204
    hook.send(due())
    assert hook.rest() == 0


def test_one_that_is_not_there(webhook_peer: WebhookPeer) -> None:
    webhook_peer.port = 1
    with pytest.raises(Unavailable, match="not reached"):
        sender(webhook_peer).send(due())


def test_one_that_hangs_up_or_says_nothing(webhook_peer: WebhookPeer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "TOTAL_SECONDS", 0.5)
    webhook_peer.reply = lambda _attempt, _id: DROP
    with pytest.raises(Unavailable, match="not reached"):
        sender(webhook_peer).send(due())
    webhook_peer.hang.clear()
    with pytest.raises(Unavailable, match="Timeout"):
        sender(webhook_peer).send(due())


def test_whatever_ends_an_attempt_counts_as_a_failure(
    webhook_peer: WebhookPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the alarm of a job that lasts too long does."""

    def alarm(*_: object, **__: object) -> None:
        raise RuntimeError("too long")

    hook = sender(webhook_peer, Hand())
    monkeypatch.setattr(hook._pool, "request", alarm)
    with pytest.raises(RuntimeError):
        hook.send(due())
    assert hook.rest() == 5


def test_no_trouble_tells_the_address_or_the_secret(webhook_peer: WebhookPeer) -> None:
    told = []
    for port, status in ((1, 204), (webhook_peer.port, DROP), (webhook_peer.port, 500)):
        webhook_peer.port, webhook_peer.reply = port, partial(_always, status)
        with pytest.raises(Unavailable) as caught:
            sender(webhook_peer).send(due())
        told.append("".join(traceback.format_exception(caught.value)))
    assert not any(TOKEN in text or SECRET in text for text in told)


def _always(status: int, _attempt: int, _id: str) -> int:
    return status
