"""What the page of one experiment shows, gathered for its template."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from endpoints.entered import Entered
from endpoints.experiment_acts import Act, acts_of
from endpoints.experiments_verdict import Verdict, verdict_of
from endpoints.experiments_wording import amount, amount_span, arm_name, days_between, points
from endpoints.interval_marks import Label, Mark, scale_around, scale_from_zero, tone_of
from endpoints.readout_rows import ArmRow, QualityRow, ShadowPair, arm_rows, quality_rows, shadow_pairs
from endpoints.readout_words import matured_words, other_warnings, p_words, ratio_words, title_of
from endpoints.times import ago
from experiments.plan import HOLDOUT
from experiments.statistics import MINIMUM_CLIENTS, MINIMUM_EVENTS, SRM_ALPHA, Estimate
from services.readout.kept import Kept
from services.readout.reading import Readout
from services.runs import Run

SMALLEST_DIFFERENCE = 0.01
SMALLEST_AMOUNT = 10.0


@dataclass(frozen=True, slots=True)
class Drawn:
    """An interval with the labels of its own scale."""

    mark: Mark
    labels: Sequence[Label]


@dataclass(frozen=True, slots=True)
class ReadoutView:
    """`age` of the figures; where they are `old` they had better be counted again. `days` it ran, None where unknown.
    `labels` are those of the scale that all arms share. `progress` is how much of the clients needed there are, in
    percent. `stray` is what was wrong with a form that is no longer shown.
    """

    readout: Readout
    age: str
    old: bool
    title: str
    verdict: Verdict
    days: int | None
    warnings: Sequence[str]
    control_name: str
    arms: Sequence[ArmRow]
    labels: Sequence[Label]
    matured_words: str
    ratio_words: str
    p_words: str
    progress: float | None
    longest: str
    saved: Drawn | None
    qualities: Sequence[QualityRow]
    shadows: Sequence[ShadowPair]
    run: Run | None
    winner_name: str
    acts: Sequence[Act]
    stray: str
    minimum: tuple[int, int] = (MINIMUM_CLIENTS, MINIMUM_EVENTS)
    srm_alpha: float = SRM_ALPHA

    @property
    def is_month(self) -> bool:
        return self.readout.state == "permanent"


def readout_view(kept: Kept[Readout], now: datetime, run: Run | None, given: Entered) -> ReadoutView:
    """`run` is None for what only the ledger knows; `given` was entered into one of the forms."""
    readout = kept.found
    found = [arm.difference for arm in readout.arms if arm.difference]
    scale = scale_around((end for each in found for end in (each.low, each.high)), SMALLEST_DIFFERENCE)
    acts = acts_of(run, readout.winner, given) if run else []
    return ReadoutView(
        readout=readout,
        age=ago(readout.read_at, now),
        old=kept.is_old(now),
        title=title_of(readout.experiment),
        verdict=verdict_of(readout),
        days=_days(readout),
        warnings=other_warnings(readout),
        control_name=arm_name(readout.control or ""),
        arms=arm_rows(readout, scale),
        labels=scale.labels(_direction) if found else (),
        matured_words=matured_words(readout),
        ratio_words=ratio_words(readout),
        p_words=p_words(readout),
        progress=_progress(readout),
        longest=_longest(readout),
        saved=drawn_amount(readout.money.per_month, "a month"),
        qualities=quality_rows(readout.arms),
        shadows=shadow_pairs(readout),
        run=run,
        winner_name=arm_name(run.winner) if run and run.winner else "",
        acts=acts,
        stray="" if given.text("do") in {act.do for act in acts} else given.complaint,
    )


def drawn_amount(found: Estimate | None, unit: str) -> Drawn | None:
    """An amount of which more is better, on a scale of its own."""
    if found is None:
        return None
    scale = scale_from_zero((found.low, found.high), SMALLEST_AMOUNT)
    words = f"{amount(found.value)} {unit}, from {amount_span(found)}"
    mark = scale.mark(found.low, found.value, found.high, tone_of(found.low, found.high), words)
    return Drawn(mark, scale.labels(amount))


def _direction(difference: float) -> str:
    """A label of the scale of differences, which says what its end means."""
    text = points(difference).removesuffix(".0")
    return f"{text} fewer leave" if difference < 0 else f"more leave {text}"


def _progress(readout: Readout) -> float | None:
    power = readout.power
    if not power.clients_needed:
        return None
    return round(min(100.0, 100 * power.clients / power.clients_needed), 2)


def _longest(readout: Readout) -> str:
    """The arm that the power is about, where there are several that it could be about."""
    several = sum(arm.arm not in {readout.control, HOLDOUT} for arm in readout.arms) > 1
    return arm_name(readout.power.arm) if several and readout.power.arm else ""


def _days(readout: Readout) -> int | None:
    if readout.started_at is None or readout.state == "permanent":
        return None
    return days_between(readout.started_at, readout.stopped_at or readout.read_at)
