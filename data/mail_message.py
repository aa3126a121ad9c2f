"""What a mail is before it is sent, and the two ways in which sending fails."""

import re
from dataclasses import dataclass
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

_LINE_BREAKING = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class MailRefused(Exception):
    """The server will never take this message."""


class MailUnavailable(Exception):
    """The message could not be sent now. `remaining`: who still lacks it, where some have got it."""

    def __init__(self, reason: str, remaining: tuple[str, ...] | None = None) -> None:
        super().__init__(reason)
        self.remaining = remaining


@dataclass(frozen=True, slots=True)
class Message:
    """One message. The same `message_id` marks the same message, however often it is sent."""

    message_id: str
    sender: str
    recipients: tuple[str, ...]
    subject: str
    text: str
    html: str
    date: datetime


def as_mime(message: Message) -> EmailMessage:
    """The message as it goes over the wire. Raises MailRefused for addresses that are none.

    No text can add a header: control characters in the subject become spaces.
    """
    mime = EmailMessage(policy=SMTP)
    mime["From"] = _address(message.sender)
    mime["To"] = [_address(recipient) for recipient in message.recipients]
    mime["Subject"] = _LINE_BREAKING.sub(" ", message.subject)
    mime["Date"] = message.date
    mime["Message-ID"] = message.message_id
    mime["Auto-Submitted"] = "auto-generated"
    mime.set_content(message.text)
    mime.add_alternative(message.html, subtype="html")
    return mime


def _address(text: str) -> Address:
    try:
        address = Address(addr_spec=text)
    except (HeaderParseError, ValueError, IndexError) as error:
        raise MailRefused(f"{text!r} is not a mail address: {error}") from error
    if not address.username or not address.domain:
        raise MailRefused(f"{text!r} is not a mail address")
    return address
