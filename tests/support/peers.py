"""Real protocol peers: an SMTP server that can be told to misbehave, and an S3 server."""

import asyncio
import email
import logging
import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from boto3.session import Session as AwsSession
from moto.server import ThreadedMotoServer


@dataclass
class Received:
    """One message as it came: the envelope's addresses, and its content."""

    sender: str
    recipients: list[str]
    message: EmailMessage

    @property
    def message_id(self) -> str:
        return str(self.message["Message-ID"])


Script = Callable[[int, str], str]
"""Given the number of the attempt (from 1) and the Message-ID: the reply to DATA, or one of the words below."""
DROP = "drop after accept"
DROP_BEFORE = "drop before accept"
ACCEPT = "250 accepted"


@dataclass
class SmtpPeer:
    """What the server saw. `reply` decides each DATA, `recipient_reply` each RCPT."""

    port: int = 0
    attempts: int = 0
    inbox: list[Received] = field(default_factory=list)
    reply: Script = lambda _attempt, _message_id: ACCEPT
    recipient_reply: Callable[[str], str] = lambda _address: "250 ok"
    holding: bool = False
    """While it is set, no DATA is answered."""

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def reset(self) -> None:
        self.attempts, self.inbox, self.holding = 0, [], False
        self.reply = lambda _attempt, _message_id: ACCEPT
        self.recipient_reply = lambda _address: "250 ok"

    def ids(self) -> list[str]:
        return [received.message_id for received in self.inbox]


class _Handler:
    def __init__(self, peer: SmtpPeer) -> None:
        self._peer = peer

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        answer = self._peer.recipient_reply(address)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        peer = self._peer
        peer.attempts += 1
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        message: Any = email.message_from_bytes(content, policy=default)
        while peer.holding:
            await asyncio.sleep(0.02)
        answer = peer.reply(peer.attempts, str(message["Message-ID"]))
        if answer in {ACCEPT, DROP}:
            peer.inbox.append(Received(str(envelope.mail_from), list(envelope.rcpt_tos), message))
        if answer in {DROP, DROP_BEFORE}:
            cast("asyncio.WriteTransport", server.transport).abort()
            return "421 dropped"
        return answer


def _anybody(*_asked: object) -> AuthResult:
    return AuthResult(success=True)


@contextmanager
def smtp_server() -> Iterator[SmtpPeer]:
    """An SMTP server on a port of its own."""
    peer = SmtpPeer()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        peer.port = probe.getsockname()[1]
    controller = Controller(
        _Handler(peer), hostname="127.0.0.1", port=peer.port, auth_require_tls=False, authenticator=_anybody
    )
    controller.start()
    try:
        yield peer
    finally:
        peer.holding = False
        controller.stop()


@pytest.fixture
def smtp_peer() -> Iterator[SmtpPeer]:
    with smtp_server() as peer:
        yield peer


@dataclass(frozen=True)
class S3Peer:
    """An S3 server with one empty bucket."""

    endpoint_url: str
    bucket: str
    client: Any

    def listing(self) -> list[str]:
        listing = self.client.list_objects_v2(Bucket=self.bucket)
        return [entry["Key"] for entry in listing.get("Contents", [])]

    def body(self, key: str) -> bytes:
        content: bytes = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return content


S3_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""Credentials as an operator would give them."""


@contextmanager
def s3_server() -> Iterator[S3Peer]:
    """An S3 server on a port of its own, in this process."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    session = AwsSession(S3_ENVIRONMENT["AWS_ACCESS_KEY_ID"], S3_ENVIRONMENT["AWS_SECRET_ACCESS_KEY"])
    client = session.client("s3", endpoint_url=url, region_name="us-east-1")
    bucket = f"ledger-{uuid.uuid4().hex}"  # the server's memory is that of this process
    client.create_bucket(Bucket=bucket)
    try:
        yield S3Peer(url, bucket, client)
    finally:
        server.stop()


@pytest.fixture
def s3_peer(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Peer]:
    for name, value in S3_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with s3_server() as peer:
        yield peer
