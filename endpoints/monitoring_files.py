"""The numbers behind the charts of the monitoring page, as files."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from endpoints.monitoring_figures_view import bins_of
from services.monitoring.inputs import Drifted
from services.monitoring.monitor import Monitor
from services.monitoring.traffic import Span

Table = tuple[Sequence[str], Sequence[Sequence[Any]]]


def _traffic(monitor: Monitor, span: Span) -> Table:
    found = monitor.live(span).traffic
    arms = found.arms if found else ()
    columns = ("from", *(f"answers {arm}" for arm in arms), "requests", "refused", "failed", "failed pages")
    return columns, [
        (each.at.isoformat(), *(each.arms.get(arm, 0) for arm in arms), each.asked, each.refused, each.failed,
         each.failed_pages)
        for each in (found.moments if found else ())
    ]  # fmt: skip


def _latency(monitor: Monitor, span: Span) -> Table:
    found = monitor.live(span).traffic
    moments = found.moments if found else ()
    rows = [(each.at.isoformat(), *(each.percentiles or (None, None, None))) for each in moments]
    return ("from", "p50_seconds", "p95_seconds", "p99_seconds"), rows


def _processes(monitor: Monitor, span: Span) -> Table:
    columns = ("role", "host", "pid", "started_at", "last_sign_at", "config_revision", "config_read_at", "spool")
    return columns, [
        (each.role, each.host, each.pid, _at(each.started_at), _at(each.at), each.revision, _at(each.refreshed_at),
         each.spool)
        for each in monitor.live(span).beats or ()
    ]  # fmt: skip


def _drift(monitor: Monitor, _span: Span) -> Table:
    figures = monitor.inputs()
    columns = ("feature", "stability_index", "chance", "level", "bin", "share_in_training", "share_now")
    return columns, [row for each in (figures.found.features if figures else ()) for row in _bins(each)]


def _scores(monitor: Monitor, _span: Span) -> Table:
    figures = monitor.inputs()
    scores = figures.found.scores if figures else None
    columns = ("feature", "stability_index", "chance", "level", "bin", "share_in_training", "share_now")
    return columns, list(_bins(scores)) if scores else []


def _calibration(monitor: Monitor, _span: Span) -> Table:
    figures = monitor.truth()
    columns = ("model", "clients_of", "mean_score", "churn_rate", "clients", "churned")
    return columns, [
        (each.model, "holdout" if each.holdout else "others", point.score, point.rate, point.n, point.churned)
        for each in (figures.found if figures else ())
        for point in each.curve
    ]


def _bins(each: Drifted) -> Iterator[Sequence[Any]]:
    index, chance, level = (each.shift.index, each.shift.chance, each.shift.level) if each.shift else (None, None, None)
    for row in bins_of(each.binned):
        yield each.binned.name, index, chance, level, row.label, row.before, row.now


def _at(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()


FILES: Mapping[str, Callable[[Monitor, Span], Table]] = {
    "traffic": _traffic,
    "latency": _latency,
    "processes": _processes,
    "drift": _drift,
    "scores": _scores,
    "calibration": _calibration,
}
