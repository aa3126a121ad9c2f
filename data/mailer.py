"""Sending mail: over SMTP, or into files."""

import os
import re
import smtplib
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

import structlog

from data.delivery import Refused, Unavailable
from data.mail_message import Message, as_mime
from helpers.errors import UserError

TIMEOUT_SECONDS = 10.0
ABOUT_THE_ACCOUNT = {530, 534, 535, 538}  # a wrong password is for the operator to mend: no message's fault
FORM = "smtp://user:password@host:port, smtps://… or smtp://…?starttls=1"

log = structlog.get_logger()


class Mailer(Protocol):
    def send(self, message: Message) -> None:
        """Hands the message over. Raises Refused or Unavailable."""
        ...


class EmlMailer:
    """Each message as a file in a folder, named after its id: sent again, it is the same file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, message: Message) -> None:
        content = bytes(as_mime(message))
        name = re.sub(r"[^A-Za-z0-9.@-]", "_", message.message_id.strip("<>"))
        path = self._folder / f"{name}.eml"
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft.write_bytes(content)
            draft.replace(path)
        except OSError as error:
            raise Unavailable(f"{path}: {error.strerror}") from error


class SmtpMailer:
    """`url`: smtp://user:password@host:port, smtps://… for TLS from the start, ?starttls=1 to begin it.

    Each message has a connection of its own. Every step has `timeout` seconds.
    """

    def __init__(self, url: str, timeout: float = TIMEOUT_SECONDS) -> None:
        """Raises UserError naming SMTP_URL, and never showing its password."""
        parts = urlsplit(url)
        self._starttls = _starttls(parts)
        self._tls = parts.scheme == "smtps"
        self._host = _host(parts)
        self._port = _port(parts) or (smtplib.SMTP_SSL_PORT if self._tls else smtplib.SMTP_PORT)
        self._user = unquote(parts.username or "")
        self._password = unquote(parts.password or "")
        self._timeout = timeout

    def send(self, message: Message) -> None:
        mime = as_mime(message)
        with _trouble_as_unavailable(), self._session() as server:
            try:
                turned_away = server.send_message(mime, message.sender, message.recipients)
            except smtplib.SMTPRecipientsRefused as error:
                turned_away = error.recipients
            except smtplib.SMTPNotSupportedError as error:
                raise Refused(f"the server cannot take this message: {error}") from error
            except smtplib.SMTPResponseException as error:
                raise _judged(error) from error
        _raise_for(turned_away, message)

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        server = self._connect()
        try:
            server.ehlo_or_helo_if_needed()
            if self._starttls:
                server.starttls(context=ssl.create_default_context())
            if self._user:
                server.login(self._user, self._password)
            yield server
            with suppress(smtplib.SMTPException, OSError):  # it has the message: a late hang-up changes nothing
                server.quit()
        finally:
            server.close()

    def _connect(self) -> smtplib.SMTP:
        if self._tls:
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(self._host, self._port, timeout=self._timeout, context=context)
        return smtplib.SMTP(self._host, self._port, timeout=self._timeout)


@contextmanager
def _trouble_as_unavailable() -> Iterator[None]:
    try:
        yield
    except (OSError, smtplib.SMTPException) as error:
        raise Unavailable(f"{type(error).__name__}: {error}") from error


def _judged(error: smtplib.SMTPResponseException) -> Exception:
    reason = _reply(error.smtp_code, error.smtp_error)
    permanent = error.smtp_code >= 500 and error.smtp_code not in ABOUT_THE_ACCOUNT
    return Refused(reason) if permanent else Unavailable(reason)


def _raise_for(turned_away: Mapping[str, tuple[int, bytes]], message: Message) -> None:
    """Those refused for good get no other try; those put off do, and they alone."""
    if not turned_away:
        return
    reasons = "; ".join(f"{who}: {_reply(*reply)}" for who, reply in turned_away.items())
    later = tuple(who for who, (code, _text) in turned_away.items() if code < 500)
    if later:
        raise Unavailable(reasons, later)
    if len(turned_away) == len(set(message.recipients)):
        raise Refused(reasons)
    log.warning("mail_refused_for_some", message_id=message.message_id, reasons=reasons)


def _reply(code: int, text: bytes | str) -> str:
    return f"{code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"


def _host(parts: SplitResult) -> str:
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise UserError(f"SMTP_URL is not the address of a mail server: use {FORM}.", "SMTP_URL")
    return parts.hostname


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:
        raise UserError(f"SMTP_URL has no usable port: use {FORM}.", "SMTP_URL") from None


def _starttls(parts: SplitResult) -> bool:
    options = parse_qs(parts.query, keep_blank_values=True)
    value = options.pop("starttls", ["0"])
    if options or value not in (["0"], ["1"]):
        raise UserError(f"SMTP_URL has options that are not known: use {FORM}.", "SMTP_URL")
    return value == ["1"]
