"""Mail goes out whole, once a call, and each kind of failure is told apart."""

import email
import socket
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.policy import default
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from data.delivery import Refused, Unavailable
from data.mail_message import Message, as_mime
from data.mailer import EmlMailer, SmtpMailer
from helpers.errors import UserError
from tests.support.peers import ACCEPT, DROP, DROP_BEFORE, SmtpPeer


def message(**given: object) -> Message:
    fields: dict[str, object] = {
        "message_id": "<019abc@holdfast.example>",
        "sender": "holdfast@holdfast.example",
        "recipients": ("one@example.com", "two@example.com"),
        "subject": "High risk of leaving: Zoë 😀 (63 %)",
        "text": "plain\n.\nZoë",
        "html": "<p>Zoë</p>",
        "date": datetime(2026, 11, 22, 0, 30, tzinfo=UTC),
    }
    return Message(**{**fields, **given})  # type: ignore[arg-type]


def test_a_message_arrives_as_text_and_html(smtp_peer: SmtpPeer) -> None:
    SmtpMailer(smtp_peer.url).send(message())
    (received,) = smtp_peer.inbox
    assert received.sender == "holdfast@holdfast.example"
    assert received.recipients == ["one@example.com", "two@example.com"]
    assert received.message["Subject"] == "High risk of leaving: Zoë 😀 (63 %)"
    assert received.message_id == "<019abc@holdfast.example>"
    assert received.message["Date"].datetime == message().date
    text, html = received.message.get_body(["plain"]), received.message.get_body(["html"])
    assert text is not None
    assert text.get_content().splitlines() == ["plain", ".", "Zoë"]
    assert html is not None
    assert html.get_content().strip() == "<p>Zoë</p>"


@pytest.mark.parametrize("ending", ["\r\nBcc: victim@example.com", "\n\nbody", "\x00", "\u2028Bcc: x", "\x85Bcc: x"])
def test_no_subject_can_add_a_header(smtp_peer: SmtpPeer, ending: str) -> None:
    SmtpMailer(smtp_peer.url).send(message(subject=f"client{ending}"))
    (received,) = smtp_peer.inbox
    assert received.recipients == ["one@example.com", "two@example.com"]
    assert received.message["Bcc"] is None
    assert received.message["Subject"].startswith("client")
    assert received.message.get_body(["html"]) is not None


@pytest.mark.parametrize("address", ["", "nobody", "a@b\r\nBcc: c@d", "a@b, c@d", "a b@c", "@example.com"])
def test_what_is_no_address_is_refused_for_good(smtp_peer: SmtpPeer, address: str) -> None:
    with pytest.raises(Refused):
        SmtpMailer(smtp_peer.url).send(message(recipients=(address,)))
    assert smtp_peer.attempts == 0


def test_a_421_is_temporary_and_a_550_is_not(smtp_peer: SmtpPeer) -> None:
    replies = {1: "421 too busy", 2: "550 no such thing", 3: ACCEPT}
    smtp_peer.reply = lambda attempt, _id: replies[attempt]
    mailer = SmtpMailer(smtp_peer.url)
    with pytest.raises(Unavailable, match="421 too busy"):
        mailer.send(message())
    with pytest.raises(Refused, match="550 no such thing"):
        mailer.send(message())
    mailer.send(message())
    assert smtp_peer.ids() == ["<019abc@holdfast.example>"]


def test_one_refused_recipient_keeps_nobody_else_waiting(smtp_peer: SmtpPeer) -> None:
    smtp_peer.recipient_reply = lambda address: "550 gone" if address.startswith("one") else "250 ok"
    SmtpMailer(smtp_peer.url).send(message())
    assert [received.recipients for received in smtp_peer.inbox] == [["two@example.com"]]


def test_all_recipients_refused_is_a_refusal(smtp_peer: SmtpPeer) -> None:
    smtp_peer.recipient_reply = lambda _address: "550 gone"
    with pytest.raises(Refused, match=r"one@example\.com: 550 gone"):
        SmtpMailer(smtp_peer.url).send(message())


@pytest.mark.parametrize("others", ["250 ok", "550 gone", "452 full"])
def test_recipients_put_off_are_named(smtp_peer: SmtpPeer, others: str) -> None:
    smtp_peer.recipient_reply = lambda address: "451 greylisted" if address.startswith("one") else others
    with pytest.raises(Unavailable, match="451 greylisted") as caught:
        SmtpMailer(smtp_peer.url).send(message())
    late = {"452 full": ("one@example.com", "two@example.com")}.get(others, ("one@example.com",))
    assert caught.value.remaining == late


@pytest.mark.parametrize("reply", [DROP, DROP_BEFORE])
def test_a_connection_that_drops_is_temporary(smtp_peer: SmtpPeer, reply: str) -> None:
    smtp_peer.reply = lambda _attempt, _id: reply
    with pytest.raises(Unavailable):
        SmtpMailer(smtp_peer.url).send(message())


def test_a_refused_connection_is_temporary() -> None:
    with pytest.raises(Unavailable, match="refused"):
        SmtpMailer("smtp://127.0.0.1:1").send(message())


def test_a_silent_server_costs_one_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        with pytest.raises(Unavailable):
            SmtpMailer(f"smtp://127.0.0.1:{silent.getsockname()[1]}", timeout=0.3).send(message())
        assert time.monotonic() - started < 1.5


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate of `localhost`, with its key, in one file; the certificate alone in `.crt`."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "peer")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    signed = builder.add_extension(names, critical=False).sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(secret + signed)
    Path(f"{path}.crt").write_bytes(signed)
    return path


@pytest.fixture
def guarded_port(certificate: Path) -> Iterator[int]:
    """A server that takes mail after STARTTLS and sign-in alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]

    def authenticate(_server: object, _session: object, _envelope: object, _how: str, data: object) -> AuthResult:
        right = (getattr(data, "login", b""), getattr(data, "password", b"")) == (b"us:er", b"p@ss")
        return AuthResult(success=right, handled=right)

    controller = Controller(
        Sink(),
        hostname="127.0.0.1",
        port=port,
        tls_context=context,
        require_starttls=True,
        authenticator=authenticate,
        auth_required=True,
    )
    controller.start()
    yield port
    controller.stop()


def test_starttls_and_sign_in(guarded_port: int, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
    SmtpMailer(f"smtp://us%3Aer:p%40ss@localhost:{guarded_port}?starttls=1").send(message())


def test_a_wrong_password_is_the_operators_fault_and_no_messages(
    guarded_port: int, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
    with pytest.raises(Unavailable, match="535") as caught:
        SmtpMailer(f"smtp://us%3Aer:wrong@localhost:{guarded_port}?starttls=1").send(message())
    assert "wrong" not in str(caught.value)


def test_an_unknown_certificate_is_not_trusted(guarded_port: int) -> None:
    with pytest.raises(Unavailable, match="certificate"):
        SmtpMailer(f"smtp://us%3Aer:p%40ss@localhost:{guarded_port}?starttls=1").send(message())


def test_tls_from_the_start(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    controller = Controller(Sink(), hostname="localhost", port=port, ssl_context=context)
    controller.start()
    try:
        SmtpMailer(f"smtps://localhost:{port}").send(message())
    finally:
        controller.stop()


@pytest.mark.parametrize(
    "url",
    [
        "http://host",
        "smtp://",
        "smtp://user:hunter2@:25",
        "smtp://user:hunter2@host:port",
        "smtp://user:hunter2@host?starttls=maybe",
        "smtp://user:hunter2@host?tls=1",
        "user:hunter2@host",
    ],
)
def test_a_bad_address_names_the_setting_and_shows_no_password(url: str) -> None:
    with pytest.raises(UserError, match="SMTP_URL") as caught:
        SmtpMailer(url)
    assert "hunter2" not in str(caught.value)


def test_files_hold_one_message_each_however_often_it_is_sent(tmp_path: Path) -> None:
    mailer = EmlMailer(tmp_path / "mail")
    for _ in range(2):
        mailer.send(message())
    mailer.send(message(message_id="<../../escape@x>"))
    first, second = sorted((tmp_path / "mail").iterdir())
    parsed = email.message_from_bytes(second.read_bytes(), policy=default)
    assert parsed["Message-ID"] == "<019abc@holdfast.example>"
    assert first.name == ".._.._escape@x.eml"


def test_a_folder_that_cannot_be_written_is_temporary(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("a file is in the way")
    with pytest.raises(Unavailable):
        EmlMailer(tmp_path / "mail").send(message())


def test_the_same_message_is_the_same_bytes_but_for_its_boundary() -> None:
    first, second = as_mime(message()), as_mime(message())
    first.set_boundary("b")
    second.set_boundary("b")
    assert bytes(first) == bytes(second)
