"""What a client's page shows, gathered for its template."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from data.prediction_log import LedgerRow
from endpoints.experiments_wording import arm_name
from endpoints.reason_bars import Reason, bars, scale_of
from endpoints.times import ago, date_words
from endpoints.wording import label, money, percent, value_words
from services.client_story import MOST_SCORES
from services.client_story_parts import Story

SHOWN_REASONS = 8
_STANDINGS = {
    "held": "In the holdout: never scored openly and never contacted. It shows what contacting the others is worth.",
    "unscored": "Never scored so far, so the client is on no call list.",
    "churned": "Off the call list: by the newest outcome the client has left.",
    "callable": "On the call list whenever the money at risk is among the highest.",
}


@dataclass(frozen=True, slots=True)
class Scored:
    """One answer. In the holdout `probability`, `high` and `money` are None and `percent` is empty."""

    at: datetime
    probability: float | None
    percent: str
    high: bool | None
    cutoff: float
    money: float | None
    ltv: float | None
    arm: str
    model: str
    kind: str

    @property
    def seconds(self) -> float:
        """Since 1970, for the chart."""
        return self.at.timestamp()


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """Something that is not what it was at the answer before."""

    what: str
    before: str
    now: str


@dataclass(frozen=True, slots=True)
class ClientView:
    """`now` is the newest answer, None without any. `why`: its reasons. `drawn` says whether there is a line to draw,
    and `chart_words` what it shows."""

    story: Story
    now: Scored | None
    now_ago: str
    scores: Sequence[Scored]
    why: Sequence[Reason]
    moved: str
    changes: Sequence[ChangeRow]
    standing: str
    drawn: bool
    chart_words: str
    most: int = MOST_SCORES


def client_view(story: Story) -> ClientView:
    scores = [_scored(row) for row in story.rows]
    reasons = story.reasons.found[:SHOWN_REASONS]
    shown = [each for each in scores if each.probability is not None]
    return ClientView(
        story=story,
        now=scores[0] if scores else None,
        now_ago=ago(scores[0].at, story.as_of) if scores else "",
        scores=scores,
        why=bars(reasons, scale_of([reasons])),
        moved=_moved(scores),
        changes=_changes(story, scores),
        standing=_standing(story),
        drawn=len(shown) > 1,
        chart_words=_chart_words(shown),
    )


def _scored(row: LedgerRow) -> Scored:
    held = row.prediction is None
    return Scored(
        at=row.answered_at,
        probability=row.prediction,
        percent="" if row.prediction is None else percent(row.prediction),
        high=row.high_risk,
        cutoff=row.cutoff,
        money=row.money_at_risk,
        ltv=row.ltv,
        arm=arm_name(row.arm),
        model="" if held else f"{label(row.model)} {row.model_version}",
        kind="held" if held else "scored",
    )


def _moved(scores: Sequence[Scored]) -> str:
    """How far the score moved between the two newest answers; nothing unless both were open."""
    if len(scores) < 2 or scores[0].probability is None or scores[1].probability is None:
        return ""
    before, now = scores[1], scores[0]
    if before.percent == now.percent:
        return f"The probability of leaving stayed at {now.percent}."
    moved = round(100 * scores[0].probability, 1) - round(100 * scores[1].probability, 1)
    way = f"{'rose' if moved > 0 else 'fell'} by {abs(moved):.1f} points"
    return f"The probability of leaving {way}, from {before.percent} to {now.percent}."


def _changes(story: Story, scores: Sequence[Scored]) -> list[ChangeRow]:
    found = [ChangeRow(label(c.feature), value_words(c.before), value_words(c.after)) for c in story.changes]
    if len(scores) < 2:
        return found
    before, now = scores[1], scores[0]
    if before.ltv != now.ltv:
        found.append(ChangeRow("Lifetime value", _amount(before.ltv), _amount(now.ltv)))
    if before.model and now.model and before.model != now.model:
        found.append(ChangeRow("Model that scored", before.model, now.model))
    return found


def _amount(value: float | None) -> str:
    return "unknown" if value is None else money(value)


def _standing(story: Story) -> str:
    if story.standing == "resting" and story.rests_until:
        return f"Contacted lately: off the call list until {date_words(story.rests_until)}."
    return _STANDINGS[story.standing]


def _chart_words(shown: Sequence[Scored]) -> str:
    """The line for who cannot see it; `shown` are newest first."""
    if len(shown) < 2:
        return ""
    highest = max(shown, key=lambda each: each.probability or 0.0)
    lowest = min(shown, key=lambda each: each.probability or 0.0)
    span = f"{date_words(shown[-1].at)} to {date_words(shown[0].at)}"
    ends = f"from {shown[-1].percent} to {shown[0].percent}, lowest {lowest.percent}, highest {highest.percent}"
    return f"Probability of leaving at {len(shown)} answers, {span}: {ends}. The table below has the numbers."
