"""What administrators see of the team and of the audit log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from data.audit_log import AuditEntry, Wanted
from data.users import User
from endpoints.entered import Entered
from endpoints.times import ago

NOTHING = Entered()


@dataclass(frozen=True, slots=True)
class ShownOnce:
    """A password that nobody can tell later."""

    username: str
    password: str


@dataclass(frozen=True, slots=True)
class Member:
    """A row of the team; `seen` says how long ago, and is empty without a session."""

    username: str
    role: str
    disabled: bool
    second_factor: bool
    added_at: datetime
    seen_at: datetime | None
    seen: str
    here: bool


@dataclass(frozen=True, slots=True)
class TeamView:
    """`about` is the user whose row was posted, empty for the form of a new one; `given` is what was entered."""

    members: Sequence[Member]
    roles: Sequence[str]
    once: ShownOnce | None
    about: str
    given: Entered

    def wrong(self, name: str) -> str:
        """What is wrong with a field of the form for a new user."""
        return "" if self.about else self.given.errors.get(name, "")


@dataclass(frozen=True, slots=True)
class AuditRow:
    entry: AuditEntry
    ago: str
    details: str


@dataclass(frozen=True, slots=True)
class AuditView:
    """`older` is the query of the next page, empty on the last."""

    rows: Sequence[AuditRow]
    wanted: Wanted
    actions: Sequence[str]
    older: str
    query: str
    paged: bool


def members(users: Sequence[User], seen: Mapping[int, datetime], now: datetime, own_id: int) -> list[Member]:
    return [_member(user, seen.get(user.id), now, own_id) for user in users]


def audit_view(
    entries: Sequence[AuditEntry], wanted: Wanted, actions: Sequence[str], now: datetime, size: int, paged: bool
) -> AuditView:
    """`entries` holds one more than the `size` of a page where there are older ones."""
    shown = entries[:size]
    rows = [AuditRow(each, ago(each.at, now), details_text(each.details)) for each in shown]
    query = {name: getattr(wanted, name) for name in Wanted.__slots__ if getattr(wanted, name)}
    older = urlencode({**query, "before": shown[-1].id}) if len(entries) > size else ""
    return AuditView(rows, wanted, actions, older, urlencode(query), paged)


def details_text(details: Mapping[str, object]) -> str:
    return ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in details.items())


def _member(user: User, seen: datetime | None, now: datetime, own_id: int) -> Member:
    return Member(
        user.username,
        user.role,
        user.disabled_at is not None,
        user.totp_confirmed_at is not None,
        user.created_at,
        seen,
        ago(seen, now) if seen else "",
        user.id == own_id,
    )
