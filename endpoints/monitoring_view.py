"""What the live part of the monitoring page shows, gathered for its template."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from data.monitoring_store import MOST_COUNTED, Backlog
from data.pulse_store import Beat
from endpoints.monitoring_charts import Columns, Lines, columns_of, lines_of
from endpoints.times import ago, instant, time_of_day
from endpoints.wording import percent
from services.monitoring.alerts import Alert, alive
from services.monitoring.monitor import Live
from services.monitoring.traffic import PERCENTILES, Moment, Traffic

SPANS = {"hour": "Last hour", "day": "Last 24 hours", "week": "Last 7 days"}


@dataclass(frozen=True, slots=True)
class AlertRow:
    found: Alert
    since: str


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """`revision` is "" where a process holds none; `behind` says that another process is on a later one."""

    beat: Beat
    alive: bool
    seen: str
    refreshed: str
    behind: bool


@dataclass(frozen=True, slots=True)
class TrafficView:
    """`columns` are the answers by arm, `lines` the latency; None where nothing came."""

    found: Traffic
    answers: int
    failed_share: str
    latency: Sequence[str]
    caches: Sequence[tuple[str, str, int]]
    columns: Columns | None
    lines: Lines | None
    times: Sequence[str]


@dataclass(frozen=True, slots=True)
class LiveView:
    now: datetime
    span: str
    spans: dict[str, str]
    alerts: Sequence[AlertRow]
    traffic: TrafficView | None
    processes: Sequence[ProcessRow] | None
    spool: int | None
    jobs: int | None
    backlogs: Sequence[Backlog]
    oldest: str
    most: int = MOST_COUNTED


def live_view(live: Live) -> LiveView:
    """The whole live part."""
    seen, spools = live.traffic, [beat.spool or 0 for beat in live.beats or () if alive(beat, live.now)]
    oldest = min((each.oldest for each in live.backlogs if each.oldest), default=None)
    return LiveView(
        now=live.now,
        span=seen.span if seen else "day",
        spans=SPANS,
        alerts=[AlertRow(each, ago(each.since, live.now) if each.since else "") for each in live.alerts],
        traffic=_traffic(seen) if seen else None,
        processes=None if live.beats is None else processes(live.beats, live.now),
        spool=None if live.beats is None else sum(spools),
        jobs=live.jobs,
        backlogs=live.backlogs,
        oldest=ago(oldest, live.now) if oldest else "nothing is due",
    )


def processes(beats: Sequence[Beat], now: datetime) -> list[ProcessRow]:
    newest = max((beat.revision or 0 for beat in beats), default=0)
    return [
        ProcessRow(
            beat,
            alive(beat, now),
            _ago(beat.at, now),
            "" if beat.refreshed_at is None else _ago(beat.refreshed_at, now),
            beat.revision is not None and beat.revision < newest,
        )
        for beat in beats
    ]


def milliseconds(seconds: float) -> str:
    """As people compare it: 0.4 ms, 12 ms, 1,250 ms."""
    return f"{1000 * seconds:,.1f} ms" if seconds < 0.01 else f"{1000 * seconds:,.0f} ms"


def _ago(seconds: float, now: datetime) -> str:
    passed = (now - datetime.fromtimestamp(seconds, UTC)).total_seconds()
    return f"{max(0, passed):.0f} s ago" if passed < 60 else ago(datetime.fromtimestamp(seconds, UTC), now)


def _traffic(found: Traffic) -> TrafficView:
    whole, answers = found.whole, sum(found.whole.arms.values())
    known = [1000 * value for moment in found.moments for value in moment.percentiles or ()]
    return TrafficView(
        found=found,
        answers=answers,
        failed_share=percent(whole.failed / whole.asked) if whole.asked else "",
        latency=[milliseconds(each) for each in whole.percentiles or ()],
        caches=[(each.name, percent(each.hits / each.lookups), each.lookups) for each in found.caches if each.lookups],
        columns=columns_of([[moment.arms.get(arm, 0) for arm in found.arms] for moment in found.moments])
        if answers
        else None,
        lines=lines_of([_line(found.moments, place) for place in range(len(PERCENTILES))]) if known else None,
        times=[_when(found, moment.at) for moment in found.moments],
    )


def _line(moments: Sequence[Moment], place: int) -> list[float | None]:
    return [1000 * each.percentiles[place] if each.percentiles else None for each in moments]


def _when(found: Traffic, at: datetime) -> str:
    return instant(at) if found.span == "week" else time_of_day(at)
