"""How the newest scores of all clients are spread, to tell beforehand what another cutoff comes to."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from sqlalchemy import Engine

from data.score_counts import BINS, MOST, score_counts
from helpers.clock import Clock
from services.background import Background

FRESH, USABLE = timedelta(minutes=1), timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Spread:
    """`counts` are the clients with a score, by hundredths of it; `partial` when there are more than were counted."""

    counts: tuple[int, ...]

    @property
    def clients(self) -> int:
        return sum(self.counts)

    @property
    def partial(self) -> bool:
        return self.clients >= MOST

    def at_least(self, cutoff: float) -> int:
        """How many clients are at high risk with this cutoff; between two hundredths, in proportion."""
        place = round(cutoff * BINS, 6)
        first = min(int(place), BINS - 1)
        return round(self.counts[first] * (first + 1 - place)) + sum(self.counts[first + 1 :])


class ScoreSpread:
    """One count serves a process for a minute. After that it still does, for as long as it takes to count anew beside
    the request, but never when it is older than ten minutes."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._counting = Lock()
        self._background = Background("scores", threads=1)
        self._known: tuple[datetime, Spread] | None = None

    def current(self) -> Spread:
        """Raises SQLAlchemyError."""
        known = self._known
        age = self._clock.now() - known[0] if known else USABLE
        if known is None or age >= USABLE:
            with self._counting:
                return self._counted()
        if age >= FRESH and not self._counting.locked():
            self._background.submit(self._recount)
        return known[1]

    def _recount(self) -> None:
        with self._counting:
            self._counted()

    def _counted(self) -> Spread:
        """Once for all who waited."""
        now = self._clock.now()
        if self._known is None or now - self._known[0] >= FRESH:
            with self._engine.connect() as connection:
                self._known = (now, Spread(tuple(score_counts(connection))))
        return self._known[1]
