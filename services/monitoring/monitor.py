"""Everything that the monitoring page shows, each part as fresh as it is cheap."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

from sqlalchemy import Engine

from data import config_store, monitoring_store
from data.config_store import ConfigRow
from data.monitoring_store import Backlog
from data.notifications import MAIL, WEBHOOK
from data.pulse_store import Beat, PulseStore
from helpers.clock import Clock
from helpers.failsoft import FailSoft
from services.background import Background
from services.config.live import LiveConfigSource
from services.monitoring.alerts import Alert, State, alerts
from services.monitoring.inputs import Inputs, look_at_inputs
from services.monitoring.remembered import Figures, Remembered
from services.monitoring.traffic import Span, Traffic, traffic
from services.monitoring.truth import Truth, look_at_truth

INPUTS_SECONDS, TRUTH_SECONDS = 60.0, 600.0
PATIENCE = 0.05
PAUSES = 50

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Live:
    """What changes from moment to moment. `traffic`, `beats` and `jobs` are None while Redis does not answer."""

    now: datetime
    traffic: Traffic | None
    beats: Sequence[Beat] | None
    jobs: int | None
    backlogs: Sequence[Backlog]
    alerts: Sequence[Alert]


class Monitor:
    """`jobs` gives the depth of the queue. The figures of answers and of outcomes are computed by a thread of its own,
    and are shown with their time."""

    def __init__(
        self,
        engine: Engine,
        store: PulseStore,
        live: LiveConfigSource,
        jobs: Callable[[], int],
        guard: FailSoft,
        clock: Clock,
    ) -> None:
        self._engine = engine
        self._store = store
        self._live = live
        self._jobs = jobs
        self._guard = guard
        self._clock = clock
        background = Background("monitoring", threads=1)
        self._inputs = Remembered(self._look_at_inputs, background, clock, INPUTS_SECONDS)
        self._truth = Remembered(self._look_at_truth, background, clock, TRUTH_SECONDS)

    def live(self, span: Span) -> Live:
        """Raises SQLAlchemyError."""
        state = self._state()
        seen = self._from_redis(lambda: traffic(self._store, state.now, span))
        jobs = self._from_redis(self._jobs)
        return Live(state.now, seen, state.beats, jobs, state.backlogs, self._told(state))

    def alerts(self) -> list[Alert]:
        """What is wrong alone, for whoever does not ask how much there is to do. Raises SQLAlchemyError."""
        return self._told(self._state())

    def inputs(self) -> Figures[Inputs] | None:
        """Drift and expected quality; None while they are being found for the first time."""
        return self._inputs.current(PATIENCE)

    def truth(self) -> Figures[list[Truth]] | None:
        """Quality by outcomes; None while it is being found for the first time."""
        return self._truth.current(PATIENCE)

    def _state(self) -> State:
        now = self._clock.now()
        beats = self._from_redis(lambda: self._store.processes(now.timestamp()))
        with self._engine.connect() as connection:
            backlogs = [monitoring_store.backlog(connection, channel, now) for channel in (MAIL, WEBHOOK)]
            pauses = config_store.history(connection, "paused", PAUSES)
        inputs = self._inputs.current()
        return State(now, beats, backlogs, self._paused(pauses), inputs.found if inputs else None)

    def _told(self, state: State) -> list[Alert]:
        return self._dated(alerts(state), state.now)

    def _look_at_inputs(self) -> Inputs:
        return look_at_inputs(self._engine, self._live.current().serving.champion, self._clock.now())

    def _look_at_truth(self) -> list[Truth]:
        return look_at_truth(self._engine, self._clock.now(), self._live.config.maturity_days)

    def _paused(self, rows: Sequence[ConfigRow]) -> dict[str, tuple[datetime, str]]:
        """Each paused experiment with the row that paused it: the oldest since which it always was."""
        found = {}
        for name in self._live.config.paused:
            since = None
            for row in rows:
                if f'"{name}"' not in row.value:
                    break
                since = row
            found[name] = (since.inserted_at, _why(since)) if since else (self._clock.now(), "")
        return found

    def _dated(self, found: Sequence[Alert], now: datetime) -> list[Alert]:
        """Those that nothing dates are dated by their first being noticed."""
        undated = [alert.key for alert in found if alert.since is None]
        since = self._from_redis(lambda: self._store.since(undated, now.timestamp())) or {}
        return [_with_date(alert, since.get(alert.key)) for alert in found]

    def _from_redis(self, read: Callable[[], T]) -> T | None:
        """None while Redis does not answer."""
        found: T | None = self._guard.call(read, default=None)
        return found


def _with_date(alert: Alert, since: float | None) -> Alert:
    return replace(alert, since=datetime.fromtimestamp(since, UTC)) if alert.since is None and since else alert


def _why(row: ConfigRow) -> str:
    return f"{row.reason or 'No reason was given'} ({row.author or 'SQL'})"
