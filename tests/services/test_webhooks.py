"""Webhooks on the one way of all messages: sent, put off, given up, and sent again when people say so."""

from base64 import b64encode
from datetime import timedelta

import pytest
import redis
from sqlalchemy import Engine

from data.notifications import WEBHOOK, Chosen
from data.queue import Queue
from data.webhook import WebhookSender
from helpers.clock import SystemClock
from helpers.errors import UserError
from services.notifications import GIVE_UP_AFTER, Senders, deliver
from services.webhooks import newest, replay
from tests.support.clock import StandingClock
from tests.support.risk import Watched
from tests.support.webhook_peer import SECRET, WebhookPeer

LONG = timedelta(hours=1)


@pytest.fixture
def watched(engine: Engine, redis_client: redis.Redis, redis_url: str) -> Watched:
    return Watched(engine, Queue(redis_url), redis_client, StandingClock(SystemClock().now()))


def hook(peer: WebhookPeer) -> Senders:
    """A sender that has met no failure yet."""
    return {WEBHOOK: WebhookSender(peer.url, SECRET, SystemClock())}


def cross(watched: Watched, *clients: str) -> list[str]:
    for client_id in clients:
        watched.answer(client_id, 0.9)
    watched.look()
    return [message.message_id for message in watched.messages()]


def send(watched: Watched, senders: Senders, message_id: str) -> float | None:
    return deliver(watched.engine, senders, watched.clock, message_id)


def again(watched: Watched, *ids: str, **chosen: object) -> int:
    return replay(watched.engine, watched.queue, watched.clock, Chosen(tuple(ids), **chosen))  # type: ignore[arg-type]


def test_a_crossing_arrives_once_with_all_that_it_says(watched: Watched, webhook_peer: WebhookPeer) -> None:
    (one,) = cross(watched, "a")
    assert send(watched, hook(webhook_peer), one) is None
    assert send(watched, hook(webhook_peer), one) is None
    (delivery,), (message,) = webhook_peer.deliveries, watched.messages()
    assert (delivery.id, delivery.content) == (one, message.message)
    assert delivery.content["data"]["client_id"] == "a"
    assert (message.sent_at, message.attempts) == (watched.clock.now(), 1)


def test_a_message_waits_as_long_as_the_receiver_asks(watched: Watched, webhook_peer: WebhookPeer) -> None:
    (one,) = cross(watched, "a")
    webhook_peer.reply, webhook_peer.headers = lambda _attempt, _id: 503, {"Retry-After": "100"}
    assert send(watched, hook(webhook_peer), one) == 100
    watched.clock.move(timedelta(seconds=99))
    webhook_peer.reply = lambda _attempt, _id: 204
    assert send(watched, hook(webhook_peer), one) is None
    assert webhook_peer.attempts == 1
    watched.clock.move(timedelta(seconds=1))
    send(watched, hook(webhook_peer), one)
    assert webhook_peer.taken() == [one]


def test_while_a_receiver_rests_no_message_is_touched(watched: Watched, webhook_peer: WebhookPeer) -> None:
    one, two = cross(watched, "a", "b")
    webhook_peer.reply = lambda _attempt, _id: 500
    senders = hook(webhook_peer)
    assert send(watched, senders, one) == 5
    pause = send(watched, senders, two)
    assert pause is not None
    assert 0 < pause <= 5
    assert webhook_peer.attempts == 1
    assert [message.attempts for message in watched.messages()] == [1, 0]


def test_a_receiver_that_wants_no_more_gets_no_more_of_it(watched: Watched, webhook_peer: WebhookPeer) -> None:
    (one,) = cross(watched, "a")
    webhook_peer.reply = lambda _attempt, _id: 410
    assert send(watched, hook(webhook_peer), one) is None
    watched.clock.move(LONG)
    send(watched, hook(webhook_peer), one)
    assert webhook_peer.attempts == 1
    (message,) = watched.messages()
    assert message.error == "the receiver answered 410: it wants no more of them"


def test_without_a_receiver_it_is_given_up_with_the_reason(watched: Watched) -> None:
    (one,) = cross(watched, "a")
    assert send(watched, {}, one) is None
    (message,) = watched.messages()
    assert message.failed_at == watched.clock.now()
    assert message.error == "nothing is set up that would send by webhook"


def test_a_replay_brings_the_same_id_and_changes_nothing_else(watched: Watched, webhook_peer: WebhookPeer) -> None:
    one, two = cross(watched, "a", "b")
    senders = hook(webhook_peer)
    for each in (one, two):
        send(watched, senders, each)
    before = watched.whole_changes()
    watched.redis.flushdb()
    watched.clock.move(LONG)
    assert again(watched, one) == 1
    assert watched.queue.waiting([one, two]) == {one}
    for each in (one, two):
        send(watched, senders, each)
    assert webhook_peer.taken() == [one, two, one]
    assert webhook_peer.deliveries[0].content == webhook_peer.deliveries[2].content
    assert webhook_peer.forged == 0
    assert watched.whole_changes() == before
    assert watched.another().look() == 0


def test_what_is_replayed_is_chosen_by_all_that_is_said(watched: Watched, webhook_peer: WebhookPeer) -> None:
    (one,) = cross(watched, "a")
    send(watched, {}, one)
    start = watched.clock.now() + LONG
    watched.clock.move(2 * LONG)
    _, two, three = cross(watched, "b", "c")
    send(watched, {}, two)
    send(watched, hook(webhook_peer), three)
    assert [message.message_id for message in newest(watched.engine, 9, failed=True)] == [two, one]
    assert again(watched, since=start, failed=True) == 1
    assert newest(watched.engine, 9, failed=True)[0].message_id == one
    assert again(watched, since=start) == 2
    assert again(watched, failed=True) == 1
    assert newest(watched.engine, 9, failed=True) == []
    assert len(newest(watched.engine, 2, failed=False)) == 2


def test_a_replay_has_its_days_before_it_is_given_up_again(watched: Watched, webhook_peer: WebhookPeer) -> None:
    (one,) = cross(watched, "a")
    webhook_peer.reply = lambda _attempt, _id: 500
    watched.clock.move(GIVE_UP_AFTER + LONG)
    assert send(watched, hook(webhook_peer), one) is None
    assert watched.messages()[0].failed_at == watched.clock.now()
    again(watched, one)
    watched.clock.move(GIVE_UP_AFTER - LONG)
    assert send(watched, hook(webhook_peer), one) == 5
    assert watched.messages()[0].replayed_at is not None


def test_a_replay_without_a_choice_or_of_what_is_not_there_is_refused(watched: Watched) -> None:
    (one,) = cross(watched, "a")
    send(watched, {}, one)
    with pytest.raises(UserError, match="Say which"):
        again(watched)
    with pytest.raises(UserError, match="No webhook has the id nothing"):
        again(watched, one, "nothing")
    assert watched.messages()[0].failed_at is not None


def test_without_redis_a_replay_is_due_all_the_same(watched: Watched) -> None:
    (one,) = cross(watched, "a")
    send(watched, {}, one)
    replay(watched.engine, Queue("redis://127.0.0.1:1/0"), watched.clock, Chosen((one,)))
    assert watched.messages()[0].failed_at is None


def test_a_rotated_secret_signs_what_was_due_before(watched: Watched, webhook_peer: WebhookPeer) -> None:
    """Each attempt is signed anew: a receiver that has the new secret takes what it turned away before."""
    (one,) = cross(watched, "a")
    old = f"whsec_{b64encode(b'another secret, of 32 bytes too.').decode()}"
    send(watched, {WEBHOOK: WebhookSender(webhook_peer.url, old, SystemClock())}, one)
    assert webhook_peer.forged == 1
    watched.clock.move(LONG)
    send(watched, hook(webhook_peer), one)
    assert webhook_peer.taken() == [one]
