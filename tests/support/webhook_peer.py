"""A receiver of webhooks over real HTTP, which checks every signature and can be told to misbehave."""

import threading
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

SECRET = f"whsec_{b64encode(b'a secret of the tests, 32 bytes.').decode()}"
TOKEN = "token-of-the-receiver"
DROP = 0
Script = Callable[[int, str], int]
"""Given the number of the attempt (from 1) and the webhook-id: the status to answer, or DROP."""


@dataclass(frozen=True)
class Delivery:
    """One request as it came, and the status that it was answered with."""

    id: str
    status: int
    path: str
    headers: Mapping[str, str]
    content: dict[str, Any]


@dataclass
class WebhookPeer:
    """What the receiver saw. `forged` counts requests whose signature does not hold."""

    port: int = 0
    attempts: int = 0
    forged: int = 0
    deliveries: list[Delivery] = field(default_factory=list)
    reply: Script = lambda _attempt, _id: 204
    headers: dict[str, str] = field(default_factory=dict)
    hang: threading.Event = field(default_factory=threading.Event)
    """While it is not set, no request is answered."""

    def __post_init__(self) -> None:
        self.hang.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook/{TOKEN}"

    @property
    def environ(self) -> dict[str, str]:
        """The settings that lead here."""
        return {"WEBHOOK_URL": self.url, "WEBHOOK_SECRET": SECRET}

    def taken(self) -> list[str]:
        """The ids of what was answered with success, in the order of arrival."""
        return [delivery.id for delivery in self.deliveries if 200 <= delivery.status < 300]

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        self.attempts += 1
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        message_id = headers.get("webhook-id", "")
        self.hang.wait(30)
        status = self.reply(self.attempts, message_id)
        try:
            content = Webhook(SECRET).verify(body, headers)
        except WebhookVerificationError:
            self.forged += 1
            status, content = 400, {}
        self.deliveries.append(Delivery(message_id, status, handler.path, headers, content))
        if status != DROP:
            _answer(handler, status, self.headers)


def _answer(handler: BaseHTTPRequestHandler, status: int, headers: Mapping[str, str]) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()


@contextmanager
def webhook_server(before: WebhookPeer | None = None) -> Iterator[WebhookPeer]:
    """A receiver on a port of its own, or again on the one that it had `before`."""
    peer = before or WebhookPeer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            peer.take(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", peer.port), Handler)
    server.daemon_threads = True
    peer.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield peer
    finally:
        peer.hang.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def webhook_peer() -> Iterator[WebhookPeer]:
    with webhook_server() as peer:
        yield peer
