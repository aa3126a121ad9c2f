"""What the list of experiments shows, gathered for its template."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from endpoints.experiments_verdict import Verdict, verdict_of
from endpoints.experiments_wording import amount, amount_span, arm_name, month_name
from endpoints.interval_marks import Label, Mark, Scale, scale_from_zero, tone_of
from endpoints.ladder_view import STAGES, Rung
from endpoints.start_form import StartForm
from endpoints.times import date_words
from endpoints.wording import label, percent
from services.readout.kept import Kept
from services.readout.parts import MonthSaved
from services.readout.reading import Readout, Savings
from services.runs import Run
from services.snapshot import Snapshot

SMALLEST_AMOUNT = 10.0


@dataclass(frozen=True, slots=True)
class RunningCard:
    """An experiment that runs or is paused. Its verdict is None where that has to be counted first."""

    name: str
    layer: str | None
    state: str
    since: str
    arms: str
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class PastRow:
    """An experiment that ended; `winner` and `note` are what people concluded."""

    name: str
    layer: str | None
    started: str
    stopped: str
    winner: str
    note: str


@dataclass(frozen=True, slots=True)
class MonthRow:
    """A month of the permanent holdout; `mark` is None where nothing can be said of it."""

    name: str
    found: MonthSaved
    mark: Mark | None


@dataclass(frozen=True, slots=True)
class MonthsView:
    """The permanent holdout, the newest month first; `labels` are those of the scale that the months share."""

    sentence: str
    rows: Sequence[MonthRow]
    labels: Sequence[Label]
    read_at: datetime


@dataclass(frozen=True, slots=True)
class ListView:
    """The whole page. `months` are None where they have to be counted first."""

    champion: str
    holdout: str
    running: Sequence[RunningCard]
    months: MonthsView | None
    past: Sequence[PastRow]
    start: StartForm
    rungs: Sequence[Rung]
    stray: str
    stages: Sequence[str] = tuple(STAGES.values())


def list_view(
    *,
    snapshot: Snapshot,
    running: Sequence[RunningCard],
    past: Sequence[Run],
    savings: Kept[Savings] | None,
    start: StartForm,
    rungs: Sequence[Rung],
    stray: str,
) -> ListView:
    """The list page from what runs, what ended, and the permanent holdout; `stray` is what was wrong with a form that
    is no longer shown."""
    card, share = snapshot.serving.champion.card, snapshot.config.holdout_percentage
    return ListView(
        champion=f"{label(card.name)} {card.version}",
        holdout=percent(share / 100) if share else "none",
        running=running,
        months=months_view(savings) if savings else None,
        past=[_past(run) for run in past],
        start=start,
        rungs=rungs,
        stray=stray,
    )


def running_card(run: Run, kept: Kept[Readout] | None) -> RunningCard:
    """`kept` is None where the verdict has to be counted first."""
    state, verdict = "paused" if run.paused else "running", verdict_of(kept.found) if kept else None
    return RunningCard(run.name, run.layer, state, date_words(run.started_at), arms_words(run.arms), verdict)


def months_view(kept: Kept[Savings]) -> MonthsView:
    savings = kept.found
    known = [month.saved for month in savings.months if month.saved]
    scale = scale_from_zero((end for each in known for end in (each.low, each.high)), SMALLEST_AMOUNT)
    rows = [_month(month, scale) for month in reversed(savings.months)]
    return MonthsView(savings.sentence, rows, scale.labels(amount) if known else (), kept.read_at)


def arms_words(arms: Mapping[str, float]) -> str:
    """The arms with their shares: `Champion 90%, Challenger 10%`."""
    return ", ".join(f"{arm_name(arm)} {percent(share)}" for arm, share in arms.items())


def _month(found: MonthSaved, scale: Scale) -> MonthRow:
    name, saved = month_name(found.month), found.saved
    if saved is None:
        return MonthRow(name, found, None)
    words = f"{name}: {amount(saved.value)} saved, from {amount_span(saved)}"
    return MonthRow(name, found, scale.mark(saved.low, saved.value, saved.high, tone_of(saved.low, saved.high), words))


def _past(run: Run) -> PastRow:
    stopped = date_words(run.stopped_at) if run.stopped_at else ""
    winner = arm_name(run.winner) if run.winner else ""
    return PastRow(run.name, run.layer, date_words(run.started_at), stopped, winner, run.note or "")
