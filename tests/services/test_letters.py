"""What a mail says, whatever the client is called."""

from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest

from data.mail_message import Message, as_mime
from data.notifications import Notification
from services.letters import Letterhead, facts, write
from tests.support.letters import ledger_row

HEAD = Letterhead("holdfast@example.com", "https://holdfast.example/")
REASONS = [
    {"feature": "Contract", "value": "Month-to-month", "effect": 1.2},
    {"feature": "tenure", "value": 61, "effect": -0.4},
]


def letter(head: Letterhead = HEAD, **given: Any) -> Message:
    row = ledger_row(**given)
    created = datetime(2026, 11, 22, 0, 30, tzinfo=UTC)
    return write(Notification(row.prediction_id, row.client_id, ["boss@example.com"], facts(row), created), head)


def test_it_says_who_how_likely_and_how_much() -> None:
    message = letter(prediction_id="019abc", output={"reasons": REASONS})
    assert message.subject == "High risk of leaving: 7590-VHVEG (63 %)"
    assert message.message_id == "<019abc@example.com>"
    for body in (message.text, message.html):
        for said in ("7590-VHVEG", "63 %", "896.62", "1,420.50", "additive", "champion", "2026-11-22 at 00:30 UTC"):
            assert said in body
        assert "https://holdfast.example/model_interface?ids=7590-VHVEG" in body
    assert "- Contract is Month-to-month: raises the risk" in message.text
    assert "- tenure is 61: lowers the risk" in message.text
    assert "<em>Month-to-month</em>: raises the risk" in message.html


def test_it_is_silent_about_what_is_not_known() -> None:
    message = letter(Letterhead("holdfast@example.com"), ltv=None, money_at_risk=None, high_risk=False, prediction=0.1)
    assert message.subject == "Risk of leaving: 7590-VHVEG (10 %)"
    for body in (message.text, message.html):
        for unsaid in ("Money", "Lifetime", "None", "http", "speaks for", "high risk"):
            assert unsaid not in body


def test_the_same_mail_is_written_the_same_way_again() -> None:
    assert letter(prediction_id="019abc") == letter(prediction_id="019abc")


NASTY = [
    "<script>alert(1)</script>",
    "'; DROP TABLE model_logs; --",
    '" onmouseover="alert(1)',
    "{{ 7 * 7 }}",
    "&amp;",
    "😀",
]


class Text(HTMLParser):
    """The text that a reader of the HTML sees, and the tags that it is made of."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(html)

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _value in attrs}


@pytest.mark.parametrize("nasty", NASTY)
def test_markup_and_code_are_shown_and_do_nothing(nasty: str) -> None:
    reasons = [{"feature": nasty, "value": nasty, "effect": 1.0}]
    message = letter(client_id=nasty, arm=nasty, model=nasty, output={"reasons": reasons})
    assert message.text.count(nasty) == 5
    seen = Text(message.html)
    assert seen.text.count(nasty) == 6  # the title too
    assert seen.tags == Text(letter(output={"reasons": reasons}).html).tags
    assert seen.attributes <= {"lang", "charset", "style", "href"}
    assert nasty in message.subject
    assert as_mime(message)["Subject"] == message.subject


@pytest.mark.parametrize("breaking", ["\r\nBcc: victim@example.com", "\nX: y", "\u2028Bcc: x", "\x00"])
def test_nothing_begins_a_line_or_a_header_of_its_own(breaking: str) -> None:
    message = letter(client_id=f"client{breaking}")
    mime = as_mime(message)
    assert set(mime.keys()) == {
        *("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type")
    }
    assert not any(line.startswith(("Bcc", "X: y")) for line in message.text.splitlines())


def test_the_link_holds_any_client() -> None:
    assert "ids=a%2Fb%3Fc%26d%20%C3%A9%22" in letter(client_id='a/b?c&d é"').text
