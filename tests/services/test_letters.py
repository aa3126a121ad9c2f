"""What a mail says, whatever the client is called."""

from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest

from data.mail_message import Message, as_mime
from data.notifications import Notification
from services.letters import Letterhead, facts, write
from tests.support.letters import ANSWERED_AT, ledger_row

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


def other(content: dict[str, Any], head: Letterhead = HEAD) -> Message:
    return write(Notification("guardrail-1", None, ["boss@example.com"], content, ANSWERED_AT), head)


def guardrail(name: str = "spring sale", sentence: str = "Too many errors.") -> dict[str, Any]:
    at = ANSWERED_AT.isoformat()
    return {"kind": "guardrail", "experiment": name, "challenger": "newer", "sentences": [sentence], "at": at}


def test_a_guardrail_says_what_was_paused_and_why() -> None:
    message = other(guardrail())
    assert message.subject == "Challenger paused: newer in spring sale"
    assert message.message_id == "<guardrail-1@example.com>"
    for body in (message.text, message.html):
        for said in ("newer", "spring sale", "Too many errors.", "2026-11-22 at 00:30 UTC"):
            assert said in body
        assert "https://holdfast.example/experiments/spring%20sale" in body
    assert "http" not in other(guardrail(), Letterhead("holdfast@example.com")).text


def test_a_guardrail_says_what_it_did_to_a_shadow() -> None:
    message = other({**guardrail(), "experiment": None})
    assert message.subject == "Challenger paused: newer as a shadow"
    for body in (message.text, message.html):
        for said in ("newer", "taken out of the shadows", "Too many errors.", "name it in shadow again"):
            assert said in body
        assert "https://holdfast.example/experiments" in body
        assert "None" not in body


@pytest.mark.parametrize("nasty", NASTY)
def test_a_guardrail_shows_markup_and_code_as_they_are(nasty: str) -> None:
    message = other(guardrail(nasty, nasty))
    assert message.text.count(nasty) == 2
    assert Text(message.html).text.count(nasty) == 3
    assert Text(message.html).tags == Text(other(guardrail()).html).tags


def watch(name: str = "to see", **changes: Any) -> dict[str, Any]:
    told = {"change": 17, "author": name, "reason": name, "keys": ["proba_cutoff"], "at": ANSWERED_AT.isoformat()}
    done = {"taken_back": True, "revision": 99, "lines": [f"proba_cutoff: 0.6 → {name}"]}
    return {"kind": "watch", "sentences": [name], **told, **done, **changes}


def test_a_watch_says_what_was_taken_back_and_why() -> None:
    message = other(watch())
    assert message.subject == "Config change 17 taken back: proba_cutoff"
    for body in (message.text, message.html):
        for said in ("taken back by itself", "2026-11-22 at 00:30 UTC", "revision 99", "proba_cutoff: 0.6 → to see"):
            assert said in body
        assert "https://holdfast.example/config" in body
    assert "http" not in other(watch(), Letterhead("holdfast@example.com")).text


def test_a_watch_says_what_it_could_not_take_back() -> None:
    message = other(watch(taken_back=False, hindrance="changed again since"))
    assert message.subject == "Config change 17 does harm, and could not be taken back: proba_cutoff"
    for body in (message.text, message.html):
        assert "could not be taken back: changed again since. It is still in force." in body
        assert "In force again" not in body


@pytest.mark.parametrize("nasty", NASTY)
def test_a_watch_shows_markup_and_code_as_they_are(nasty: str) -> None:
    message = other(watch(nasty))
    assert message.text.count(nasty) == 4
    assert Text(message.html).text.count(nasty) == 4
    assert Text(message.html).tags == Text(other(watch()).html).tags


def digest_of(client: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": "digest",
        "day": "2026-11-21",
        "entered": 1_200,
        "left": 1,
        "top_entered": [client],
        "top_left": [],
    }


def test_a_digest_tells_how_many_crossed_and_who_matters_most() -> None:
    message = other(digest_of({"client_id": "a/b c", "prediction": 0.81, "money_at_risk": 1234.5}))
    assert message.subject == "High risk on 2026-11-21: 1,200 entered, 1 left"
    for body in (message.text, message.html):
        for said in (
            "2026-11-21",
            "1,200",
            "a/b c",
            "81 %",
            "1,234.50",
            "https://holdfast.example/clients?id=a%2Fb%20c",
        ):
            assert said in body
        assert "https://holdfast.example/call-list" in body
        assert "Left, most" not in body


@pytest.mark.parametrize("nasty", NASTY)
def test_a_digest_shows_markup_and_code_as_they_are(nasty: str) -> None:
    message = other(digest_of({"client_id": nasty, "prediction": 0.8, "money_at_risk": None}))
    assert message.text.count(nasty) == 1
    assert Text(message.html).text.count(nasty) == 1
    assert "unknown" in message.html
    assert Text(message.html).attributes <= {"lang", "charset", "style", "href"}


def test_without_an_address_a_digest_has_no_link() -> None:
    content = digest_of({"client_id": "a", "prediction": 0.8, "money_at_risk": 1.0})
    message = other(content, Letterhead("holdfast@example.com"))
    assert "http" not in message.text + message.html
