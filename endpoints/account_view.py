"""What a person sees of the own account."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import segno

from data.users import User
from endpoints.entered import Entered
from endpoints.times import ago
from services.sign_in import OwnSession

NOTHING = Entered()


@dataclass(frozen=True, slots=True)
class SessionRow:
    """`begun` and `seen` say how long ago."""

    begun_at: datetime
    begun: str
    seen_at: datetime
    seen: str
    ends_at: datetime
    here: bool


@dataclass(frozen=True, slots=True)
class SecretView:
    """A second factor that is still to be confirmed: the QR code as SVG, and the secret as text in groups of four."""

    qr: str
    text: str


@dataclass(frozen=True, slots=True)
class AccountView:
    """`form` names the one that was posted, `given` is what was entered into it; `codes` are shown this once."""

    user: User
    sessions: Sequence[SessionRow]
    secret: SecretView | None
    codes: Sequence[str]
    form: str
    given: Entered

    @property
    def codes_left(self) -> int:
        return len(self.user.recovery_hashes or [])

    def wrong(self, form: str, name: str) -> str:
        """What is wrong with a field of that form, or with the form as a whole where `name` is empty."""
        if form != self.form:
            return ""
        return self.given.errors.get(name, "") if name else self.given.problem


def session_row(session: OwnSession, now: datetime) -> SessionRow:
    begun, seen = ago(session.created_at, now), ago(session.last_seen_at, now)
    return SessionRow(session.created_at, begun, session.last_seen_at, seen, session.expires_at, session.here)


def secret_view(secret: str, address: str) -> SecretView:
    drawn = segno.make(address, error="m", micro=False).svg_inline(omitsize=True, border=4, dark="#000", light="#fff")
    return SecretView(drawn, " ".join(secret[start : start + 4] for start in range(0, len(secret), 4)))
