"""What administrators see of access tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import request

from data.access_token_store import AccessToken
from endpoints.entered import Entered
from endpoints.times import ago
from services.access_tokens import LONGEST_DAYS, LONGEST_NAME, Made, state
from services.callers import SCOPES, Scope

MEANINGS: dict[Scope, str] = {
    "predict": "score customers",
    "outcomes": "tell outcomes and actions",
    "read": "read experiments, the call list and assignments",
    "config:read": "read the configuration and its history",
    "config:write": "change and refresh the configuration",
    "metrics": "read the metrics",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """A box to tick."""

    scope: Scope
    meaning: str
    ticked: bool


@dataclass(frozen=True, slots=True)
class TokenRow:
    """`used` says how long ago, and is empty for a token that nobody used."""

    token: AccessToken
    state: str
    used: str


@dataclass(frozen=True, slots=True)
class TokensView:
    """`made` is the token that was made just now, the only time that it is shown."""

    rows: Sequence[TokenRow]
    choices: Sequence[Choice]
    given: Entered
    made: Made | None
    longest_name: int = LONGEST_NAME
    longest_days: int = LONGEST_DAYS


def tokens_view(tokens: Sequence[AccessToken], now: datetime, given: Entered, made: Made | None) -> TokensView:
    ticked = request.form.getlist("scopes") if given.refused else []
    choices = [Choice(scope, MEANINGS[scope], scope in ticked) for scope in SCOPES]
    return TokensView([_row(token, now) for token in tokens], choices, given, made)


def _row(token: AccessToken, now: datetime) -> TokenRow:
    used = ago(token.last_used_at, now) if token.last_used_at else ""
    return TokenRow(token, state(token, now), used)
