"""What the call list shows, gathered for its templates."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from data.call_list_store import Contact
from endpoints.reason_bars import Reason, bars, scale_of
from endpoints.times import ago
from endpoints.wording import label, percent
from services.call_list import Day, Entry, LeftOut
from services.holdout_effect import Effect
from services.row_reasons import SHOWN


@dataclass(frozen=True, slots=True)
class CallRow:
    """One client to call. `money` and `ltv` are None when unknown, `saving` where the holdout does not support any;
    without reasons `missing` says why."""

    client_id: str
    prediction_id: str
    probability: float
    percent: str
    high: bool
    cutoff: float
    money: float | None
    ltv: float | None
    scored_at: datetime
    scored_ago: str
    model: str
    reasons: tuple[Reason, ...]
    missing: str
    action: str
    advice: str
    saving: float | None
    kind: str = "scored"


@dataclass(frozen=True, slots=True)
class DoneRow:
    """One client who was contacted today. `percent` is empty, `money` None, where nothing was shown."""

    client_id: str
    percent: str
    money: float | None
    action: str
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CallListView:
    """`more` is how many rows to show next, 0 when these are all there are to be seen here; `most` is the most ever."""

    day: Day
    rows: Sequence[CallRow]
    done: Sequence[DoneRow]
    left_out: LeftOut
    effect: Effect
    shown: int
    more: int
    most: int

    @property
    def left_out_words(self) -> str:
        return left_out_words(self.left_out, self.day.rest_days)


def call_rows(entries: Iterable[Entry], now: datetime) -> list[CallRow]:
    listed = list(entries)
    scale = scale_of(entry.reasons.found[:SHOWN] for entry in listed)
    return [_call_row(entry, scale, now) for entry in listed]


def done_row(contact: Contact) -> DoneRow:
    row = contact.row
    return DoneRow(
        client_id=row.client_id,
        percent="" if row.prediction is None else percent(row.prediction),
        money=row.money_at_risk,
        action=label(contact.kind),
        actor=contact.actor,
        at=contact.at,
    )


def left_out_words(found: LeftOut, rest_days: int) -> str:
    """Who is missing, and why; nothing when nobody is."""
    lately = f"contacted in the last {rest_days} days" if rest_days > 1 else "contacted today or yesterday"
    lately = lately if rest_days else "contacted today"
    counts = ((found.contacted, lately), (found.churned, "gone already"), (found.holdout, "in the holdout"))
    told = [f"{count:,} {why}" for count, why in counts if count]
    if not told:
        return ""
    total = found.contacted + found.churned + found.holdout
    among = f"Of the {found.among:,} clients with the most money at risk"
    return f"{among} {total:,} {'is' if total == 1 else 'are'} left out: {', '.join(told)}."


def _call_row(entry: Entry, scale: float, now: datetime) -> CallRow:
    row = entry.row
    probability = row.prediction or 0.0
    return CallRow(
        client_id=row.client_id,
        prediction_id=row.prediction_id,
        probability=probability,
        percent=percent(probability),
        high=bool(row.high_risk),
        cutoff=row.cutoff,
        money=row.money_at_risk,
        ltv=row.ltv,
        scored_at=row.answered_at,
        scored_ago=ago(row.answered_at, now),
        model=f"{label(row.model)} {row.model_version}",
        reasons=bars(entry.reasons.found[:SHOWN], scale),
        missing=entry.reasons.missing,
        action=label(entry.suggestion.kind),
        advice=entry.suggestion.advice,
        saving=entry.expected_saving,
    )
