"""What a mail is before it is sent."""

import re
from dataclasses import dataclass
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from data.delivery import Refused

_LINE_BREAKING = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


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
    """The message as it goes over the wire. Raises Refused for addresses that are none.

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
        raise Refused(f"{text!r} is not a mail address: {error}") from error
    if not address.username or not address.domain:
        raise Refused(f"{text!r} is not a mail address")
    return address
